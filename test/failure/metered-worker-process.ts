/** A metered worker in a process of its own, to be killed: `metered-worker-process.ts <kafka> <registry> <name> <redis> <meter> <agent>`. */
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { startMeteredWorker } from './metered-worker.ts';

const [broker = '', registry = '', name = '', redis = '', meter = '', agent = ''] = process.argv.slice(2);
const kafka = await createKafkaJsClient({ brokers: [broker], clientId: name });
const codec = await openRecordCodec(openSchemaRegistry(registry));
await startMeteredWorker({ ...{ kafka, codec, redis, meter, agent, name }, writer: openRecordWriter(kafka) });
console.error(`${name} is in the group`);
