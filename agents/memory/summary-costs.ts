/**
 * What summaries by a model cost, onto freshet.costs: the upper bound before the call, and under the same id what it came to, so
 * that the ledger is never below what the provider counts (I3). They stand in no journal of an execution, so these records are what
 * the day's money is counted from again (rebuild-budgets.ts).
 */
import { randomUUID } from 'node:crypto';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type {
  LanguageModel,
  TokenBounds,
  TokenUsage,
} from '../../connectors/models/language/language-model.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { formatUsd, mostPriceOf, type Picodollars, priceOf, priceTableOf } from '../../schemas/money.ts';
import type { Cost } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { CallGuards, MoneyAsked } from '../runtime/call-guards.ts';

/** What these costs are attributed to, beside their agent. */
export const MEMORY_FEATURE = 'memory';

const SUMMARY = 'memory:';

/** Whether a key of freshet.costs is one of these. */
export const isSummaryCost = (key: string): boolean => key.startsWith(SUMMARY);

/** Whose conversation it is. */
export interface SummaryOf {
  readonly agent: string;
  readonly tenant: string;
}

export interface SummaryLedger {
  /**
   * Null where the call is not to be made: the day's money does not allow it, or the signal came. Errors: `append-failed`: it is not
   * to be made either.
   */
  reserve(
    of: SummaryOf,
    model: Pick<LanguageModel, 'id' | 'price'>,
    bounds: TokenBounds,
    signal: AbortSignal,
  ): Promise<ReservedSummary | null>;
}

/** Errors: `append-failed`: it stands at its reservation. */
export interface ReservedSummary {
  settle(usage: TokenUsage): Promise<void>;
  /** Nothing was spent. */
  release(): Promise<void>;
}

/**
 * While nobody can say what was spent today, a summary is extracted rather than waited for: the memories behind it, and a worker that
 * stops, would wait with it.
 */
const MONEY_WAIT_MS = 3_000;

const NOTHING_USED = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0 } as const;

export const recordSummaryCosts = ({
  writer,
  codec,
  clock,
  guards,
  usdPerDayOf,
}: {
  readonly writer: Pick<RecordWriter, 'append'>;
  readonly codec: Pick<RecordCodec, 'encode'>;
  readonly clock: Clock;
  readonly guards: Pick<CallGuards, 'reserve' | 'settle'>;
  readonly usdPerDayOf: (agent: string) => MoneyAsked['usdPerDay'];
}): SummaryLedger => ({
  reserve: async ({ agent, tenant }, model, bounds, signal) => {
    const costId = `${SUMMARY}${randomUUID()}`;
    // The day that pays is that of the reservation, whenever it is settled.
    const at = clock();
    const append = async (
      usage: Omit<TokenUsage, 'reported'>,
      usd: Picodollars,
      outcome: Cost['outcome'],
    ): Promise<void> => {
      // Until it is settled nobody knows what became of the call.
      const settled = outcome !== 'lost';
      const cost: Cost = {
        ...{ costId, taskId: costId, executionId: costId, agent, tenant },
        ...{ feature: MEMORY_FEATURE, tool: null, model: model.id, step: 0 },
        inputTokens: usage.inputTokens,
        outputTokens: usage.outputTokens,
        cachedInputTokens: usage.cachedInputTokens,
        usd: formatUsd(usd),
        priceTable: priceTableOf(model.price),
        ...{ settled, outcome, at },
        kind: 'model',
      };
      await writer.append([
        {
          topic: TOPICS.costs.name,
          key: costId,
          value: codec.encode('Cost', cost),
          headers: cloudEventHeaders({
            id: `${costId}:${settled ? 'settled' : 'reserved'}`,
            type: 'freshet.cost',
            source: 'freshet/memory',
            at,
          }),
        },
      ]);
    };
    const settle = async (
      usage: Omit<TokenUsage, 'reported'>,
      usd: Picodollars,
      outcome: 'done' | 'failed',
    ): Promise<void> => {
      await append(usage, usd, outcome);
      guards.settle(costId, formatUsd(usd));
    };
    const most = mostPriceOf(bounds, model.price);
    await append({ ...bounds, cachedInputTokens: 0 }, most, 'lost');
    const usdPerDay = usdPerDayOf(agent);
    const time = { leftMs: MONEY_WAIT_MS, code: 'wall-time' as const };
    const asked = { costId, agent, tenant, usd: formatUsd(most), at, usdPerDay, time };
    const denied = await guards.reserve(asked, signal);
    const release = (): Promise<void> => settle(NOTHING_USED, 0n, 'failed');
    if (denied || signal.aborted) {
      await release();
      return null;
    }
    return { settle: (usage) => settle(usage, priceOf(usage, model.price), 'done'), release };
  },
});
