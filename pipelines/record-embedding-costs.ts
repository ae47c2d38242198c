/**
 * What embedding costs, onto freshet.costs: a reservation before each request, and under the same id what it came to.
 * A process that dies in between leaves the reservation, so the ledger is never below what the provider counts (I3).
 */
import { randomUUID } from 'node:crypto';
import type { RecordWriter } from '../connectors/kafka/record-writer.ts';
import type {
  EmbeddingLedger,
  EmbeddingSpend,
} from '../connectors/models/embedding/remote/embedding-ledger.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import type { Clock } from '../schemas/clock.ts';
import { cloudEventHeaders } from '../schemas/cloud-event.ts';
import { formatUsd, priceOf, priceTableOf } from '../schemas/money.ts';
import type { Cost } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';

/** Stands where an agent's name does, and is what these costs are grouped by. */
export const EMBEDDING_SPENDER = 'embedding';

export interface EmbeddingCostSettings {
  /** Of the process that embeds. */
  readonly name: string;
  readonly writer: Pick<RecordWriter, 'append'>;
  readonly codec: Pick<RecordCodec, 'encode'>;
  readonly clock: Clock;
  readonly inputPerMillionUsd: string;
  /** What was spent could not be written: its reservation stands. */
  readonly onLost: (error: Error) => void;
}

export const recordEmbeddingCosts = (settings: EmbeddingCostSettings): EmbeddingLedger => {
  const price = { inputPerMillionUsd: settings.inputPerMillionUsd, outputPerMillionUsd: '0' };

  const append = (costId: string, { model, tenant }: EmbeddingSpend, tokens: number, settled: boolean) => {
    const at = settings.clock();
    const cost: Cost = {
      costId,
      taskId: EMBEDDING_SPENDER,
      executionId: EMBEDDING_SPENDER,
      agent: EMBEDDING_SPENDER,
      tenant,
      feature: EMBEDDING_SPENDER,
      tool: null,
      model,
      step: 0,
      inputTokens: tokens,
      outputTokens: 0,
      cachedInputTokens: 0,
      usd: formatUsd(priceOf({ inputTokens: tokens, outputTokens: 0 }, price)),
      priceTable: priceTableOf(price),
      settled,
      kind: 'embedding',
      outcome: settled ? 'done' : 'lost',
      at,
    };
    return settings.writer.append([
      {
        topic: TOPICS.costs.name,
        key: costId,
        value: settings.codec.encode('Cost', cost),
        headers: cloudEventHeaders({
          id: `${costId}:${settled ? 'settled' : 'reserved'}`,
          type: 'freshet.cost',
          source: 'freshet/embedding',
          at,
        }),
      },
    ]);
  };

  return {
    reserve: async (spend) => {
      const costId = `${EMBEDDING_SPENDER}:${settings.name}:${randomUUID()}`;
      await append(costId, spend, spend.boundTokens, false);
      return {
        settle: (tokens) => void append(costId, spend, tokens, true).catch(settings.onLost),
      };
    },
  };
};
