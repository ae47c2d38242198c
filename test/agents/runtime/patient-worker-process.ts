/** A worker of patient agents in a process of its own, to be killed: `patient-worker-process.ts <kafka> <registry> <name>`. */
import { startTaskWorker } from '../../../agents/runtime/task-worker.ts';
import { openHeardControls } from '../../../agents/safety/heard-controls.ts';
import { createKafkaJsClient } from '../../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { openRecordCodec } from '../../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../../connectors/registry/schema-registry.ts';
import { fixedRetriever } from '../fixed-retriever.ts';
import { PATIENCE } from './patient-agent.ts';

const [broker = '', registry = '', name = ''] = process.argv.slice(2);
const kafka = await createKafkaJsClient({ brokers: [broker], clientId: name });
const codec = await openRecordCodec(openSchemaRegistry(registry));
await startTaskWorker({
  ...PATIENCE,
  ...{ kafka, codec },
  writer: openRecordWriter(kafka),
  control: await openHeardControls({ kafka, codec, localTenant: 'acme', onTrouble: () => undefined }),
  retriever: fixedRetriever(),
  workerName: name,
  log: (level, message) => console.error(name, level, message),
});
console.error(`${name} is in the group`);
