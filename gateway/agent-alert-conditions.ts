/**
 * What of agents calls for a person, by what is known at a moment. Pure.
 *
 * An alert that fires holds on until it is clear that its cause is gone: the figure is well below its threshold, a rate's for whoever has
 * watched a whole window, however little ended in it. What is not known begins no alert and ends none.
 */
import type { Condition } from '../pipelines/track-freshness/alert-conditions.ts';
import type { AlertPolicy } from '../schemas/alert-policy.ts';
import { formatUsd, parseUsd } from '../schemas/money.ts';
import type { Alert } from '../schemas/records.ts';
import type { Endings } from './read-models/agent-outcomes.ts';
import type { BudgetView } from './views/budget-view.ts';

export const AGENT_ALERT_KINDS = [
  'failing',
  'looping',
  'budget-low',
  'breaker-open',
] as const satisfies readonly Alert['kind'][];

export interface AgentsSeen {
  /** Those configured. */
  readonly agents: readonly string[];
  /** What fires: it may be of an agent or breaker that is configured no longer. */
  readonly standing: readonly Alert[];
  /** By agent, of the policy's window. */
  readonly endings: ReadonlyMap<string, Endings>;
  /** Whoever looks has done so for all of the window: what it has not seen was not there. */
  readonly wholeWindow: boolean;
  /** Of the UTC day. */
  readonly budgets: readonly Pick<BudgetView, 'of' | 'name' | 'usdPerDay' | 'spentUsd'>[];
  /** By name with its kind before a colon; null: not known. */
  readonly breakers: readonly BreakerSeen[] | null;
}

export interface BreakerSeen {
  readonly name: string;
  readonly state: 'closed' | 'open' | 'half-open';
  /** Its time is over and nobody has tried since: it may be well again. */
  readonly isDue: boolean;
}

/** Of its source, whether it holds or not. */
export interface SourceConditions {
  readonly source: string;
  readonly conditions: readonly Condition[];
}

/** Of a threshold: what fires ends below it. */
const EASED = 0.9;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const AGENT = 'agent:';

/** Each source once, in the order in which it is first seen. */
export const conditionsOfAgents = (seen: AgentsSeen, policy: AlertPolicy): readonly SourceConditions[] => {
  const found = new Map<string, Condition[]>();
  const firing = ({ source, kind }: Pick<Alert, 'source' | 'kind'>): boolean =>
    seen.standing.some((each) => each.source === source && each.kind === kind);
  const look = (
    source: string,
    condition: Condition,
    { begins, ends }: { readonly begins: boolean; readonly ends: boolean },
  ): void => {
    const conditions = found.get(source) ?? [];
    found.set(source, conditions);
    if (firing({ source, kind: condition.kind }) ? !ends : begins) conditions.push(condition);
  };

  const minutes = `${Number((policy.windowMs / 60_000).toFixed(1))} minutes`;
  const told = seen.standing.flatMap(({ source, kind }) =>
    (kind === 'failing' || kind === 'looping') && source.startsWith(AGENT)
      ? [source.slice(AGENT.length)]
      : [],
  );
  for (const agent of new Set([...seen.agents, ...told])) {
    const { ended, failed, loops } = seen.endings.get(agent) ?? { ended: 0, failed: 0, loops: 0 };
    const isEnough = seen.agents.includes(agent) && ended >= policy.minExecutions;
    const rate = (kind: 'failing' | 'looping', count: number, threshold: number, what: string): void => {
      const value = ended === 0 ? 0 : count / ended;
      const summary = `${agent}: ${count} of ${ended} executions of the last ${minutes} ${what} (${percent(value)}, ${percent(threshold)} are allowed)`;
      look(
        `${AGENT}${agent}`,
        { kind, severity: 'page', value, threshold, summary },
        {
          begins: isEnough && value >= threshold,
          ends: seen.wholeWindow && value < threshold * EASED,
        },
      );
    };
    rate('failing', failed, policy.failureRate, 'failed or were halted');
    rate('looping', loops, policy.loopRate, 'were halted for not coming forward');
  }

  for (const { of, name, usdPerDay, spentUsd } of seen.budgets) {
    const limit = usdPerDay === null ? 0n : parseUsd(usdPerDay);
    // Nothing to spend is a switch that somebody turned, and no budget that is nearly spent.
    const isLimited = limit > 0n;
    const value = isLimited && spentUsd !== null ? Number(parseUsd(spentUsd)) / Number(limit) : 0;
    const summary = `${of} ${name}: ${percent(value)} of the ${formatUsd(limit)} US dollars of this day are spent or reserved`;
    look(
      `${of}:${name}`,
      { kind: 'budget-low', severity: 'ticket', value, threshold: policy.budgetShare, summary },
      {
        begins: isLimited && value >= policy.budgetShare,
        ends: !isLimited || (spentUsd !== null && value < policy.budgetShare * EASED),
      },
    );
  }

  for (const { name, state, isDue } of seen.breakers ?? []) {
    // Left out, it is not known: what waits to be told goes on waiting, and what stands goes on standing.
    if (isDue) continue;
    const threshold = policy.breakerOpenMs;
    const summary = `the breaker of ${name.replace(':', ' ')} has not been closed for ${Math.round(threshold / 1_000)} s: calls are held back`;
    look(
      name,
      { kind: 'breaker-open', severity: 'page', value: threshold, threshold, summary },
      { begins: state !== 'closed', ends: state === 'closed' },
    );
  }
  // Of an agent, model or tool that is configured no longer. Another gateway may still know it, or know it already: after a whole
  // window of looking they are of one mind.
  const isKnown = ({ source, kind }: Alert): boolean =>
    kind === 'breaker-open'
      ? seen.breakers === null || seen.breakers.some(({ name }) => name === source)
      : kind !== 'budget-low' ||
        !source.startsWith(AGENT) ||
        seen.agents.includes(source.slice(AGENT.length));
  for (const alert of seen.standing.filter((each) => !isKnown(each))) {
    const { source, kind, severity, value, threshold, summary } = alert;
    look(source, { kind, severity, value, threshold, summary }, { begins: false, ends: seen.wholeWindow });
  }
  return [...found].map(([source, conditions]) => ({ source, conditions }));
};
