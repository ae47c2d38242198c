/** What the copying of documents under another model works with. */
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import type { FreshetError } from '../../schemas/errors.ts';

export interface ReembedSettings {
  /** Name of the model in the configuration. */
  readonly name: string;
  readonly model: EmbeddingModel;
  /** Of the model's documents. */
  readonly topic: string;
  readonly kafka: KafkaClient;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  /** Of this model: spares embedding again what an update leaves alone. May be lost at any time. */
  readonly table: DocumentTable;
  readonly chunking: FreshetConfig['chunking'];
  readonly clock: Clock;
  readonly backfillPerSecond: () => number;
  readonly onEvent: (event: ReembedEvent) => void;
  readonly onFailure: (error: FreshetError) => void;
}

export type ReembedEvent =
  | { readonly type: 'records'; readonly outcome: 'appended' | 'refused'; readonly count: number }
  | { readonly type: 'retry'; readonly partition: number; readonly error: Error; readonly attempt: number };
