/** What commands know of their process, and what they open of what runs. */

import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { type GatewayClient, openGatewayClient } from '../gateway-client.ts';
import { type RunFile, requireRun } from '../run-file.ts';

export interface Surroundings {
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** The gateway of what runs here, or the one FRESHET_GATEWAY names. Errors: `not-running`. */
export const gatewayOf = ({ root, environment }: Surroundings): GatewayClient =>
  openGatewayClient(environment.FRESHET_GATEWAY ?? requireRun(root).gateway);

/** Kafka and the schemas of what runs here, for the length of an action. Errors: `not-running`, `kafka-unavailable`. */
export const withKafka = async <T>(
  { root }: Surroundings,
  action: (open: {
    readonly kafka: KafkaClient;
    readonly codec: RecordCodec;
    readonly run: RunFile;
  }) => Promise<T>,
): Promise<T> => {
  const run = requireRun(root);
  const kafka = await createKafkaJsClient({ brokers: run.kafka.split(','), clientId: 'freshet-cli' });
  try {
    return await action({ kafka, codec: await openRecordCodec(openSchemaRegistry(run.schemaRegistry)), run });
  } finally {
    await kafka.close();
  }
};
