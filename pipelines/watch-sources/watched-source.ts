/** What the watch of one source works with; the parts of this folder share it. */
import type { ConnectApi } from '../../connectors/debezium/connect-api.ts';
import type { CaptureOptions } from '../../connectors/debezium/connector-config.ts';
import type { createChangeReader } from '../../connectors/debezium/read-change.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { SourceKind } from '../../connectors/sources/source-kind.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { TableMapping } from '../../schemas/config.ts';

export interface WatchedSource {
  readonly source: string;
  readonly kind: SourceKind;
  readonly url: string;
  readonly mappings: Readonly<Record<string, TableMapping>>;
  /** What the connector is made from beside the source and its epoch; `url` where it reaches the database by another than we do. */
  readonly capture: Pick<CaptureOptions, 'kafka' | 'schemaRegistry' | 'pollIntervalMs' | 'heartbeatMs'> &
    Partial<Pick<CaptureOptions, 'url'>>;
  readonly connect: ConnectApi;
  readonly kafka: KafkaClient;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly changes: ReturnType<typeof createChangeReader>;
  readonly clock: Clock;
}
