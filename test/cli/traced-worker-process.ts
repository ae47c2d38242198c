/** A traced worker in a process of its own, to be killed: `traced-worker-process.ts <kafka> <registry> <name> <collector>`. */
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { tracesUrlOf } from '../../cli/roles/role-tracing.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { openSpanExporter } from '../../connectors/telemetry/span-exporter.ts';
import { tracedWorker } from './traced-agent.ts';

const [broker = '', registry = '', name = '', collector = ''] = process.argv.slice(2);
const kafka = await createKafkaJsClient({ brokers: [broker], clientId: name });
const { record } = openSpanExporter({
  ...{ url: tracesUrlOf(collector), service: 'freshet.agents', instance: name, everyMs: 50 },
  onCounted: () => undefined,
  onTrouble: (error) => console.error(name, error),
});
await startTaskWorker({
  ...tracedWorker(record),
  ...{ kafka, codec: await openRecordCodec(openSchemaRegistry(registry)), workerName: name },
  writer: openRecordWriter(kafka),
  log: (level, message) => console.error(name, level, message),
});
console.error(`${name} is in the group`);
