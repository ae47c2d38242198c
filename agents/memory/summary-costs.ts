/**
 * What summaries by a model cost, onto freshet.costs: the upper bound before the call, and under the same id what it came to, so
 * that the ledger is never below what the provider counts (I3).
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

/** What these costs are attributed to, beside their agent. */
export const MEMORY_FEATURE = 'memory';

export interface SummaryLedger {
  /** Errors: `append-failed`: then the call is not made. */
  reserve(
    of: { readonly agent: string; readonly tenant: string },
    model: Pick<LanguageModel, 'id' | 'price'>,
    bounds: TokenBounds,
  ): Promise<{ settle(usage: TokenUsage): Promise<void> }>;
}

export const recordSummaryCosts = ({
  writer,
  codec,
  clock,
}: {
  readonly writer: Pick<RecordWriter, 'append'>;
  readonly codec: Pick<RecordCodec, 'encode'>;
  readonly clock: Clock;
}): SummaryLedger => ({
  reserve: async ({ agent, tenant }, model, bounds) => {
    const costId = `memory:${randomUUID()}`;
    const append = async (
      usage: Omit<TokenUsage, 'reported'>,
      usd: Picodollars,
      settled: boolean,
    ): Promise<void> => {
      const at = clock();
      const cost: Cost = {
        ...{ costId, taskId: costId, executionId: costId, agent, tenant },
        ...{ feature: MEMORY_FEATURE, tool: null, model: model.id, step: 0 },
        inputTokens: usage.inputTokens,
        outputTokens: usage.outputTokens,
        cachedInputTokens: usage.cachedInputTokens,
        usd: formatUsd(usd),
        priceTable: priceTableOf(model.price),
        settled,
        kind: 'model',
        // Until it is settled nobody knows what became of the call.
        outcome: settled ? 'done' : 'lost',
        at,
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
    await append({ ...bounds, cachedInputTokens: 0 }, mostPriceOf(bounds, model.price), false);
    return { settle: (usage) => append(usage, priceOf(usage, model.price), true) };
  },
});
