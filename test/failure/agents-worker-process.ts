/** A worker in a process of its own, to be killed or stopped: `agents-worker-process.ts <kafka> <registry> <name>`. */
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';
import { careful, lookThenAnswer } from './careful-agent.ts';
import { archivist } from './large-agent.ts';

const [broker = '', registry = '', name = ''] = process.argv.slice(2);
const kafka = await createKafkaJsClient({ brokers: [broker], clientId: name });
await startTaskWorker({
  kafka,
  codec: await openRecordCodec(openSchemaRegistry(registry)),
  writer: openRecordWriter(kafka),
  retriever: fixedRetriever(),
  // Its second call takes longer than this process has to live, or than its session lasts.
  models: [lookThenAnswer({ secondCallMs: 7_500 })],
  agents: [careful, archivist],
  workerName: name,
  concurrency: 4,
  sessionTimeoutMs: 6_000,
  log: (level, message) => console.error(name, level, message),
});
console.error(`${name} is in the group`);
