/**
 * What an execution has cost, as a fold of its events: money that was spent counts whoever spent it, so a reply under
 * a stale claim counts too, and a call whose outcome was lost counts at its reservation (rules J and B, I3).
 */
import { z } from 'zod';
import { isCheckpoint, NOT_MADE, UNDO, UNDONE, unaskedModel, undoneTool } from './execution-payloads.ts';
import { madeOnce } from './made-once.ts';
import { amountOf, isUsd, type Picodollars } from './money.ts';
import type { AgentEvent, Usage } from './records.ts';

export interface CallCost {
  /** executionId:epoch:step; executionId:epoch:key of what undoes an effect, as several stand at one step. */
  readonly costId: string;
  readonly step: number;
  /** Empty where it is a tool's. */
  readonly model: string;
  /** Null where it is a model's. */
  readonly tool: string | null;
  readonly usage: Usage;
  readonly usd: string;
  readonly priceTable: string;
  /**
   * open: reserved, no outcome yet. lost: counted at the reservation for good, unless its reply still comes. delegated: of a
   * sub-task, whose own journal tells it; it counts against this execution's cap, and never twice as money spent.
   */
  readonly state: 'open' | 'settled' | 'lost' | 'delegated';
  /** The call ended in an error. */
  readonly failed: boolean;
  readonly at: number;
}

export type ExecutionCosts = ReadonlyMap<string, CallCost>;

const COUNT = z.number().int().min(0);
const CALL_COSTS = z.array(
  z.tuple([
    z.string(),
    z.object({
      ...{ costId: z.string(), step: COUNT.max(2 ** 31 - 1), model: z.string(), tool: z.string().nullable() },
      usage: z.object({ inputTokens: COUNT, outputTokens: COUNT, cachedInputTokens: COUNT }),
      ...{ usd: z.string().refine(isUsd), priceTable: z.string() },
      ...{ state: z.enum(['open', 'settled', 'lost', 'delegated']), failed: z.boolean(), at: COUNT },
    }),
  ]),
);

/** The entries of costs, as a snapshot has them; null where they are not of their shape: the journal can be written by anyone who reaches Kafka. */
export const parseCosts = (entries: unknown): ExecutionCosts | null => {
  const { data } = CALL_COSTS.safeParse(entries);
  return data ? new Map(data) : null;
};

export const NO_COSTS: ExecutionCosts = new Map();
const NOTHING: readonly CallCost[] = [];
const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0 };

/** `priceTable` of what a sub-task may cost, then of what it did. */
export const DELEGATED = 'delegated';

/** `priceTable` of a tool's calls: they cost what its definition says. */
export const TOOL_PRICE = 'tool';

type Undoing = Pick<AgentEvent, 'executionId' | 'epoch' | 'idempotencyKey'>;

export const undoCostIdOf = ({ executionId, epoch, idempotencyKey }: Undoing): string =>
  `${executionId}:${epoch}:${idempotencyKey}`;

const costIdOf = (event: AgentEvent): string =>
  isCheckpoint(event, UNDO) || isCheckpoint(event, UNDONE)
    ? undoCostIdOf(event)
    : `${event.executionId}:${event.epoch}:${event.step}`;

const toolOf = (event: AgentEvent): string =>
  (event.type === 'checkpoint' ? undoneTool(event.input) : event.name) ?? 'unknown';

const modelOf = ({ type, name, input }: AgentEvent): string =>
  (type === 'checkpoint' ? unaskedModel(input) : name) ?? 'unknown';

/** The costs after an event. `counts`: whether the event does in the order of claims. */
export const advanceCosts = (costs: ExecutionCosts, event: AgentEvent, counts: boolean): ExecutionCosts => {
  const changed = changedCosts(costs, event, counts);
  if (changed.length === 0) return costs;
  const next = new Map(costs);
  for (const cost of changed) next.set(cost.costId, cost);
  return next;
};

/** What is no amount counts as not said, so that a reservation stands: a fold that threw would hold back every execution of its partition. */
const withAmounts = (event: AgentEvent): AgentEvent => {
  const { costUsd, reservedUsd } = event;
  const isSound = (usd: string | null): boolean => usd === null || isUsd(usd);
  if (isSound(costUsd) && isSound(reservedUsd)) return event;
  return {
    ...event,
    costUsd: isSound(costUsd) ? costUsd : null,
    reservedUsd: isSound(reservedUsd) ? reservedUsd : null,
  };
};

/** Those entries that an event changes, settled and lost ones being what freshet.costs is told. */
export const changedCosts = (
  costs: ExecutionCosts,
  said: AgentEvent,
  counts: boolean,
): readonly CallCost[] => {
  const event = withAmounts(said);
  // Nearly every event of a tool: nothing of it is money.
  if (event.costUsd === null && event.reservedUsd === null && event.type !== 'claim') return NOTHING;
  const costId = costIdOf(event);
  const { step, at } = event;
  // A reservation and an error are a model's where nothing says that they are a tool's.
  const isTool =
    event.type === 'tool-call' || event.idempotencyKey !== null || event.priceTable === TOOL_PRICE;
  const entry = {
    costId,
    step,
    model: isTool ? '' : modelOf(event),
    tool: isTool ? toolOf(event) : null,
    failed: event.error !== null,
    usage: event.usage ?? NO_USAGE,
    priceTable: event.priceTable ?? '',
    at,
  };
  if (event.priceTable === DELEGATED) {
    const usd = event.costUsd ?? event.reservedUsd;
    const delegated = { ...entry, costId: event.idempotencyKey ?? costId, state: 'delegated' as const };
    return counts && usd !== null ? [{ ...delegated, usd }] : NOTHING;
  }
  const isOutcome =
    event.type === 'llm-response' ||
    event.type === 'tool-call' ||
    isCheckpoint(event, UNDONE) ||
    isCheckpoint(event, NOT_MADE);
  if (isOutcome && event.costUsd !== null) return [{ ...entry, usd: event.costUsd, state: 'settled' }];
  // A failed call: free where the provider said so, at its reservation where it may have charged.
  if (event.type === 'error' && costs.get(costId)?.state !== 'settled') {
    if (event.costUsd !== null) return [{ ...entry, usd: event.costUsd, state: 'settled' }];
    if (event.reservedUsd !== null) return [{ ...entry, usd: event.reservedUsd, state: 'lost' }];
  }
  if (!counts) return NOTHING;
  if ((event.type === 'intent' || isCheckpoint(event, UNDO)) && event.reservedUsd !== null)
    return [{ ...entry, usd: event.reservedUsd, state: 'open' }];
  // Whoever held the execution before is gone: what it had under way was spent, as far as anyone knows.
  if (event.type === 'claim')
    return [...costs.values()]
      .filter((cost) => cost.state === 'open')
      .map((cost) => ({ ...cost, state: 'lost' as const, at }));
  return NOTHING;
};

/** Spent and reserved together: what the money cap is held against. */
export const totalUsd = madeOnce((costs: ExecutionCosts): Picodollars => {
  let total = 0n;
  for (const cost of costs.values()) total += amountOf(cost);
  return total;
});
