/**
 * What agents cost and why: sums by any group, and per agent what one execution costs with what that is made of. Pure,
 * over one entry per cost id. Every grouping is of the same entries, so each adds up to the ledger, to the picodollar (I3).
 */
import { MEMORY_FEATURE } from '../../agents/memory/summary-costs.ts';
import { amountOf, formatUsd, type Picodollars } from '../../schemas/money.ts';
import type { Cost } from '../../schemas/records.ts';

export const COST_GROUPS = ['agent', 'tool', 'feature', 'tenant', 'step', 'model'] as const;
export type CostGroup = (typeof COST_GROUPS)[number];

export interface CostTotal {
  /** Null: costs that carry none. */
  readonly name: string | null;
  /** Exact decimal. */
  readonly usd: string;
  readonly calls: number;
  readonly executions: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  /** Of `calls`: ended in an error, and were made again or given up. */
  readonly failed: number;
  /** Of `calls`: counted at their reservation, as their outcome was lost. */
  readonly unsettled: number;
}

export interface AgentCost {
  readonly name: string;
  readonly usd: string;
  readonly executions: number;
  /** Exact decimals, of executions that spent anything; the mean is rounded down to a picodollar. */
  readonly perExecution: {
    readonly mean: string;
    readonly p50: string;
    readonly p95: string;
    readonly max: string;
  };
  /** How many executions cost up to so much: from the cheapest to the dearest, in equal ratios. */
  readonly distribution: readonly { readonly upToUsd: string; readonly executions: number }[];
  readonly why: {
    readonly callsPerExecution: number;
    /** Of model calls that ended. */
    readonly inputTokensPerCall: number;
    readonly outputTokensPerCall: number;
    /** Share (0 to 1) of the input tokens that the provider had cached. */
    readonly cachedShare: number;
    /** Calls that failed or were lost, of all. */
    readonly failedCalls: number;
    readonly lostCalls: number;
    /** Money that they cost: paid for nothing. */
    readonly wastedUsd: string;
    readonly byStep: readonly CostTotal[];
    readonly byModel: readonly CostTotal[];
  };
}

export interface CostReport {
  /** Of the oldest entry, microseconds since the Unix epoch; null where there is none. */
  readonly since: number | null;
  readonly usd: string;
  readonly groups: readonly CostTotal[];
  /** The dearest per execution first. */
  readonly agents: readonly AgentCost[];
  /** One sentence for each agent that costs more than the cheapest: how much more, and why. */
  readonly comparison: readonly string[];
}

export const costReport = (costs: readonly Cost[], by: CostGroup): CostReport => ({
  since: costs.reduce<number | null>((oldest, { at }) => (oldest === null ? at : Math.min(oldest, at)), null),
  usd: formatUsd(sumOf(costs)),
  groups: totalsOf(costs, by),
  ...comparedAgents(costs),
});

const sumOf = (list: readonly Cost[]): Picodollars => {
  let sum = 0n;
  for (const cost of list) sum += amountOf(cost);
  return sum;
};

const grouped = <Key>(
  costs: readonly Cost[],
  keyOf: (cost: Cost) => Key,
): ReadonlyMap<Key, readonly Cost[]> => {
  const groups = new Map<Key, Cost[]>();
  for (const cost of costs) {
    const key = keyOf(cost);
    const group = groups.get(key);
    if (group) group.push(cost);
    else groups.set(key, [cost]);
  }
  return groups;
};

/** What kind of step it was, and how it ended where it did not end well. */
const stepOf = ({ kind, outcome, tool }: Cost): string =>
  `${kind === 'tool' ? `tool ${tool ?? ''}`.trim() : kind}${outcome === 'done' ? '' : `, ${outcome}`}`;

const nameIn = (cost: Cost, by: CostGroup): string | null => {
  if (by === 'step') return stepOf(cost);
  const name = cost[by];
  return name === '' ? null : name;
};

export const totalsOf = (costs: readonly Cost[], by: CostGroup): readonly CostTotal[] =>
  [...grouped(costs, (cost) => nameIn(cost, by))]
    .map(([name, list]) => ({ name, list, usd: sumOf(list) }))
    .sort((a, b) => (a.usd < b.usd ? 1 : a.usd > b.usd ? -1 : 0))
    .map(({ name, list, usd }) => ({
      name,
      usd: formatUsd(usd),
      calls: list.length,
      executions: new Set(list.map((cost) => cost.executionId)).size,
      inputTokens: list.reduce((sum, cost) => sum + cost.inputTokens, 0),
      outputTokens: list.reduce((sum, cost) => sum + cost.outputTokens, 0),
      cachedInputTokens: list.reduce((sum, cost) => sum + cost.cachedInputTokens, 0),
      failed: list.filter(({ outcome }) => outcome === 'failed').length,
      unsettled: list.filter((cost) => !cost.settled).length,
    }));

interface Measured {
  readonly agent: AgentCost;
  readonly mean: Picodollars;
  readonly usd: Picodollars;
  readonly wasted: Picodollars;
}

/** Embedding is no agent's execution: it stands in the groups alone. */
const comparedAgents = (costs: readonly Cost[]): Pick<CostReport, 'agents' | 'comparison'> => {
  const measured = [
    ...grouped(
      costs.filter(({ kind }) => kind !== 'embedding'),
      ({ agent }) => agent,
    ),
  ]
    .map(([name, list]) => measure(name, list))
    .sort((a, b) => (a.mean < b.mean ? 1 : a.mean > b.mean ? -1 : 0));
  const cheapest = measured.findLast(({ mean }) => mean > 0n);
  return {
    agents: measured.map(({ agent }) => agent),
    comparison: cheapest
      ? measured.filter((each) => each.mean > cheapest.mean).map((each) => sentenceOf(each, cheapest))
      : [],
  };
};

const at = (sorted: readonly Picodollars[], share: number): Picodollars =>
  sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? 0n;

const measure = (name: string, list: readonly Cost[]): Measured => {
  // A summary of a conversation belongs to no execution.
  const own = list.filter(({ feature }) => feature !== MEMORY_FEATURE);
  const executions = [...grouped(own, ({ executionId }) => executionId).values()].map(sumOf);
  const sorted = executions.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  // What cost nothing says nothing of what one costs.
  const paid = sorted.filter((sum) => sum > 0n);
  const usd = sumOf(list);
  const mean = sumOf(own) / BigInt(Math.max(1, paid.length));
  const wasted = sumOf(list.filter(({ outcome }) => outcome !== 'done'));
  const answered = list.filter(({ kind, outcome }) => kind === 'model' && outcome === 'done');
  const input = answered.reduce((sum, cost) => sum + cost.inputTokens, 0);
  const output = answered.reduce((sum, cost) => sum + cost.outputTokens, 0);
  const cached = answered.reduce((sum, cost) => sum + cost.cachedInputTokens, 0);
  return {
    mean,
    usd,
    wasted,
    agent: {
      name,
      usd: formatUsd(usd),
      executions: sorted.length,
      perExecution: {
        mean: formatUsd(mean),
        p50: formatUsd(at(paid, 0.5)),
        p95: formatUsd(at(paid, 0.95)),
        max: formatUsd(at(paid, 1)),
      },
      distribution: distributionOf(sorted),
      why: {
        callsPerExecution: ratio(own.length, sorted.length),
        inputTokensPerCall: ratio(input, answered.length),
        outputTokensPerCall: ratio(output, answered.length),
        cachedShare: ratio(cached, input),
        failedCalls: list.filter(({ outcome }) => outcome === 'failed').length,
        lostCalls: list.filter(({ outcome }) => outcome === 'lost').length,
        wastedUsd: formatUsd(wasted),
        byStep: totalsOf(list, 'step'),
        byModel: totalsOf(
          list.filter(({ kind }) => kind === 'model'),
          'model',
        ),
      },
    },
  };
};

const ratio = (of: number, to: number): number => (to === 0 ? 0 : Number((of / to).toPrecision(4)));

const BUCKETS = 10;

/** `sorted`: what each execution cost, the cheapest first. */
const distributionOf = (sorted: readonly Picodollars[]): AgentCost['distribution'] => {
  const highest = sorted.at(-1) ?? 0n;
  const lowest = sorted.find((usd) => usd > 0n) ?? 0n;
  if (highest === 0n) return [{ upToUsd: '0', executions: sorted.length }];
  if (highest === lowest) return [{ upToUsd: formatUsd(highest), executions: sorted.length }];
  const step = (Number(highest) / Number(lowest)) ** (1 / BUCKETS);
  const buckets: { upToUsd: string; executions: number }[] = [];
  let before = 0;
  for (let bucket = 1; bucket <= BUCKETS; bucket += 1) {
    const upTo = bucket === BUCKETS ? highest : BigInt(Math.round(Number(lowest) * step ** bucket));
    const count = sorted.filter((usd) => usd <= upTo).length;
    buckets.push({ upToUsd: formatUsd(upTo), executions: count - before });
    before = count;
  }
  return buckets;
};

/** How many times as much, of two amounts, as people say it. */
const times = (more: number, less: number): number => (less === 0 ? 0 : more / less);
const said = (factor: number): string => (factor >= 10 ? Math.round(factor).toString() : factor.toFixed(1));
/** What is closer than this explains nothing. */
const NOTABLE = 1.15;
const NOTABLY_CACHED = 0.1;
const percent = (share: number): string => `${Math.round(100 * share)} %`;

const money = (usd: string): string => {
  const value = Number(usd);
  return value >= 0.01 ? value.toFixed(4) : value.toPrecision(2);
};

const sentenceOf = (dear: Measured, cheap: Measured): string => {
  const [a, b] = [dear.agent, cheap.agent];
  const reasons: string[] = [];
  const compare = (what: string, more: number, less: number): void => {
    const factor = times(more, less);
    if (factor >= NOTABLE) reasons.push(`${said(factor)} times the ${what}`);
  };
  compare('calls per execution', a.why.callsPerExecution, b.why.callsPerExecution);
  compare('input tokens per call', a.why.inputTokensPerCall, b.why.inputTokensPerCall);
  compare('output tokens per call', a.why.outputTokensPerCall, b.why.outputTokensPerCall);
  compare('price per token', pricePerToken(a), pricePerToken(b));
  const cachedLess = b.why.cachedShare - a.why.cachedShare;
  if (cachedLess >= NOTABLY_CACHED)
    reasons.push(
      `${percent(a.why.cachedShare)} of its input cached, where the other has ${percent(b.why.cachedShare)}`,
    );
  const wasted = dear.usd === 0n ? 0 : Number((dear.wasted * 1_000n) / dear.usd) / 1_000;
  if (wasted >= 0.02) reasons.push(`${Math.round(wasted * 100)} % of it on calls that failed or were lost`);
  const tools = a.why.byStep.filter(({ name }) => name?.startsWith('tool '));
  const toolShare = times(
    tools.reduce((sum, each) => sum + Number(each.usd), 0),
    Number(a.usd),
  );
  if (toolShare >= 0.05) reasons.push(`${Math.round(toolShare * 100)} % of it on tools`);
  const why = reasons.length === 0 ? 'many small differences' : reasons.join(', ');
  return `${a.name} costs ${money(a.perExecution.mean)} USD per execution, ${said(times(Number(dear.mean), Number(cheap.mean)))} times as much as ${b.name} (${money(b.perExecution.mean)}): ${why}`;
};

const pricePerToken = ({ why }: AgentCost): number => {
  const tokens = why.byModel.reduce((sum, each) => sum + each.inputTokens + each.outputTokens, 0);
  return times(
    why.byModel.reduce((sum, each) => sum + Number(each.usd), 0),
    tokens,
  );
};
