/** What holds agents in hand, as the API shows it: what was halted and refused, what waits for a person, what is switched off. Pure. */
import { z } from 'zod';
import { approvalVerdict } from '../../agents/safety/approval-state.ts';
import { BREAKER_GAUGE, type Breaker } from '../../connectors/guarded-calls/breaker-state.ts';
import { time } from '../http/fields.ts';
import type { AskedApproval } from '../read-models/approval-list.ts';
import { CHECKS, type Halt } from '../read-models/halt-list.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import { REFUSERS, type Refusal } from '../read-models/refusal-list.ts';
import { killSchema, killsOf } from './kill-view.ts';
import { positionOf } from './timeline.ts';
import { isoTime } from './times.ts';

const halt = z.object({
  executionId: z.string(),
  taskId: z.string(),
  agent: z.string(),
  tenant: z.string().nullable(),
  check: z
    .enum(CHECKS)
    .describe(
      'Which check ended it. effect: a write whose outcome is not known is parked for a person; poison: it killed its worker twice.',
    ),
  code: z.string(),
  reason: z.string(),
  step: z.number(),
  at: time,
  position: z.string().describe('topic:partition:offset of its end.'),
  before: z
    .array(
      z.object({
        step: z.number(),
        name: z.string(),
        input: z.string().nullable().describe('JSON, cut off.'),
        error: z.string().nullable(),
      }),
    )
    .describe('The last steps before it.'),
});

const refusal = z.object({
  by: z.enum(REFUSERS),
  code: z.string(),
  agent: z.string(),
  tenant: z.string().nullable(),
  name: z.string().nullable().describe('Of the tool or model; null where the task itself was refused.'),
  count: z.number(),
  firstAt: time,
  lastAt: time,
  reason: z.string().describe('Of the last.'),
  executionId: z.string().nullable(),
  step: z.number().nullable(),
});

const waiting = z.object({
  taskId: z.string(),
  executionId: z.string(),
  agent: z.string(),
  tenant: z.string().nullable(),
  step: z.number(),
  tool: z.string(),
  arguments: z.unknown(),
  argumentsHash: z.string(),
  askedAt: time,
  deadline: time,
});

const breaker = z.object({
  kind: z.enum(['model', 'tool', 'service']),
  name: z.string(),
  state: z.enum(['closed', 'half-open', 'open']),
  failures: z.number().nullable().describe('In a row, while closed.'),
  until: time.describe('When a call may be tried again.'),
});

export const safetySchema = z.object({
  at: time,
  approvals: z.array(waiting).describe('What waits for a person, the first to become void first.'),
  approvalsHeld: z.number().describe('All that wait, listed or not.'),
  halts: z.object({
    held: z.number(),
    groups: z.array(z.object({ name: z.string(), count: z.number() })),
    items: z.array(halt),
  }),
  refusals: z.object({ held: z.number(), items: z.array(refusal) }),
  kills: z.array(killSchema),
  breakersKnown: z.boolean().describe('False: Redis, which workers share them through, does not answer.'),
  breakers: z.array(breaker),
});

export type SafetyView = z.output<typeof safetySchema>;
export type BreakerView = z.output<typeof breaker>;

export interface SafetyAsked {
  /** Whose; null: everybody's. */
  readonly tenant: string | null;
  readonly agent?: string | undefined;
  readonly limit: number;
}

/** Microseconds since the Unix epoch. `breakers` null: not known. */
export const safetyViewOf = (
  models: Pick<ReadModels, 'halts' | 'refusals' | 'approvals' | 'control'>,
  breakers: { readonly known: boolean; readonly all: readonly BreakerView[] },
  { tenant, agent, limit }: SafetyAsked,
  now: number,
): SafetyView => {
  const filter = { tenant: tenant ?? undefined, agent };
  const halts = models.halts.list(limit, filter);
  const refusals = models.refusals.list(limit, filter);
  const approvals = models.approvals
    .all()
    .filter((asked) => tenant === null || asked.tenant === tenant)
    .filter((asked) => agent === undefined || asked.agent === agent)
    // What was decided is on its way to its worker, and no more to be decided.
    .filter((asked) => approvalVerdict(asked, models.control.approvalOf(asked), now).kind === 'waiting');
  return {
    at: isoTime(now),
    approvals: approvals.slice(0, limit).map(waitingOf),
    approvalsHeld: approvals.length,
    halts: { held: halts.held, groups: [...halts.groups], items: halts.items.map(haltOf) },
    refusals: { held: refusals.held, items: refusals.items.map(refusalOf) },
    kills: killsOf(models.control, tenant).filter(
      (kill) => agent === undefined || (kill.agent ?? agent) === agent,
    ),
    breakersKnown: breakers.known,
    breakers: [...breakers.all],
  };
};

const waitingOf = ({ askedAt, deadlineAt, ...asked }: AskedApproval): z.output<typeof waiting> => {
  const { taskId, executionId, agent, tenant, step, tool, argumentsHash } = asked;
  const ids = { taskId, executionId, agent, tenant, step, tool, arguments: asked.arguments, argumentsHash };
  return { ...ids, askedAt: isoTime(askedAt), deadline: isoTime(deadlineAt) };
};

const haltOf = ({ at, partition, offset, before, ...of }: Halt): z.output<typeof halt> => ({
  ...of,
  at: isoTime(at),
  position: positionOf(partition, offset),
  before: [...before],
});

const refusalOf = ({ firstAt, lastAt, ...of }: Refusal): z.output<typeof refusal> => ({
  ...of,
  firstAt: isoTime(firstAt),
  lastAt: isoTime(lastAt),
});

/** `name`: with its kind before a colon, as workers know it. */
export const breakerViewOf = (name: string, of: Breaker): BreakerView => ({
  ...namesOf(name),
  state: of.state,
  failures: of.state === 'closed' ? of.failures : null,
  until: of.state === 'closed' ? null : isoTime(of.until * 1_000),
});

/** Of a service whose breaker is no one's but its own process's: what its gauge says. */
export const serviceBreakerOf = (name: string, gauge: number): BreakerView => ({
  kind: 'service',
  name,
  state: STATES.find((state) => BREAKER_GAUGE[state] === gauge) ?? 'closed',
  failures: null,
  until: null,
});

const STATES = ['closed', 'half-open', 'open'] as const;

const namesOf = (name: string): Pick<BreakerView, 'kind' | 'name'> => {
  const at = name.indexOf(':');
  return { kind: name.startsWith('model:') ? 'model' : 'tool', name: name.slice(at + 1) };
};
