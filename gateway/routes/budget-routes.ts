/** Money of a day, per agent and per tenant: what may be spent, what is, and what an operator sets. */
import { z } from 'zod';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { type DailySpending, dayOf, startOfDay } from '../../schemas/budget-ledger.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { formatUsd, parseUsd } from '../../schemas/money.ts';
import { type SafetySettings, safetyPolicyOf } from '../../schemas/safety-policy.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { line, tenant, text, usd } from '../http/fields.ts';
import { route } from '../http/route.ts';
import { sendSignal } from '../send-signal.ts';
import { isoTime } from '../views/times.ts';

const budget = z.object({
  of: z.enum(['agent', 'tenant']),
  name: z.string(),
  usdPerDay: z.string().nullable().describe('Null: without a limit.'),
  from: z.enum(['set', 'definition', 'none']),
  spentUsd: z.string().nullable().describe('Reserved and spent of this UTC day; null where unknown.'),
  remainingUsd: z.string().nullable(),
  by: z.string().nullable(),
  reason: z.string().nullable(),
  at: z.string().nullable(),
});

type Budget = z.output<typeof budget>;

const MAX_TENANTS = 100;

const definedFor = ({ safety }: AgentDefinition & { readonly safety?: SafetySettings }): string | null =>
  safetyPolicyOf(safety).usdPerDay.agent;

const left = (limit: string | null, spent: string | null): string | null => {
  if (limit === null || spent === null) return null;
  const rest = parseUsd(limit) - parseUsd(spent);
  return formatUsd(rest > 0n ? rest : 0n);
};

export const budgetRoutes = (context: GatewayContext) => {
  const { models, settings } = context;

  const budgetsOf = (spending: DailySpending | null, tenants: readonly string[]): readonly Budget[] => {
    const set = models.control.budgets();
    const one = (of: Budget['of'], name: string, defined: string | null): Budget => {
      const found = set.find((each) => each.of === of && each.name === name);
      const usdPerDay = found?.usdPerDay ?? defined;
      const spent = spending?.known ? (spending[`${of}s`][name] ?? '0') : null;
      return {
        of,
        name,
        usdPerDay,
        from: found ? 'set' : defined === null ? 'none' : 'definition',
        spentUsd: spent,
        remainingUsd: left(usdPerDay, spent),
        by: found?.by ?? null,
        reason: found?.reason ?? null,
        at: found ? isoTime(found.at) : null,
      };
    };
    return [
      ...settings.agents.map((agent) => one('agent', agent.name, definedFor(agent))),
      ...tenants.map((name) => one('tenant', name, null)),
    ];
  };

  /** Tenants that money was spent for, as far as this gateway knows. */
  const spendersOf = (day: string): readonly string[] => [
    ...new Set(
      models.costs.of({ since: startOfDay(day) * 1_000 }).flatMap(({ tenant: of }) => (of ? [of] : [])),
    ),
  ];

  return [
    route({
      method: 'GET',
      path: '/v1/budgets',
      tag: 'costs',
      summary: 'Budgets of the UTC day: limit, spent, left, and who set them',
      answers: [
        {
          status: 200,
          description: 'Budgets. An agent may hold its tenants to less; that stands in its definition.',
          schema: z.object({
            day: z.string(),
            known: z.boolean().describe('False: what was spent is being counted, or there is no ledger.'),
            budgets: z.array(budget),
          }),
        },
      ],
      errors: [],
      handle: async ({ principal }) => {
        const day = dayOf(settings.clock());
        const set = models.control.budgets().filter(({ of }) => of === 'tenant');
        const named = [settings.config.localTenant, ...set.map(({ name }) => name), ...spendersOf(day)];
        const tenants = [...new Set(named)]
          .filter((name) => principal.tenant === null || name === principal.tenant)
          .slice(0, MAX_TENANTS);
        const agents = settings.agents.map(({ name }) => name);
        const spending =
          (await settings.budgets?.spending(day, { agents, tenants }).catch(() => null)) ?? null;
        const all = budgetsOf(spending, tenants);
        return {
          day,
          known: spending?.known ?? false,
          // What an agent spends, it spends for all tenants: no one tenant's to know (I9).
          budgets: principal.tenant === null ? all : all.filter(({ of }) => of === 'tenant'),
        };
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/budgets',
      tag: 'costs',
      summary: 'Sets what an agent or a tenant may spend in a UTC day',
      body: z
        .strictObject({
          agent: line(60).optional(),
          tenant: tenant.optional(),
          usdPerDay: usd.nullable().describe('Null: what the agent’s definition says, or no limit.'),
          reason: text(500).optional().describe('Why: audited.'),
        })
        .refine(
          ({ agent, tenant: of }) => (agent === undefined) !== (of === undefined),
          'give agent or tenant',
        ),
      answers: [
        {
          status: 202,
          description: 'Asked for: in force within a second.',
          schema: z.object({
            of: z.enum(['agent', 'tenant']),
            name: z.string(),
            usdPerDay: z.string().nullable(),
          }),
        },
      ],
      errors: ['not-found', 'append-failed'],
      handle: async ({ body, principal }) => {
        if (principal.tenant !== null)
          throw new FreshetError('forbidden', 'budgets are set by an operator of all tenants');
        const of = body.agent === undefined ? 'tenant' : 'agent';
        const name = body.agent ?? body.tenant ?? '';
        if (of === 'agent' && !settings.agents.some((agent) => agent.name === name))
          throw new FreshetError('not-found', `there is no agent ${name}`);
        const { usdPerDay, reason = null } = body;
        const at = settings.clock();
        const signal = { kind: 'budget', of, name, usdPerDay, by: principal.name, reason, at } as const;
        await sendSignal(context, signal, 'budget set');
        return { of, name, usdPerDay };
      },
    }),
  ];
};
