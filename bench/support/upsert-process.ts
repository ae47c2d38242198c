/**
 * Updates of synthetic documents at a fixed rate, one after the other, until standard input ends:
 * `upsert-process.ts <settings as JSON>`. Prints how many there were.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { seededRandom } from '../../connectors/sample-source/seeded-random.ts';
import { produceDocuments } from './produce-documents.ts';

const { broker, registry, documents, smallTenantEvery, perSecond } = z
  .object({
    broker: z.string(),
    registry: z.string(),
    documents: z.number(),
    smallTenantEvery: z.number(),
    perSecond: z.number(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));

let ended = false;
process.stdin.resume().once('end', () => {
  ended = true;
});
const kafka = await createKafkaJsClient({ brokers: [broker], clientId: 'bench-upserts' });
const writer = openRecordWriter(kafka);
const codec = await openRecordCodec(openSchemaRegistry(registry));
const settings = { documents, smallTenantEvery, model: createHashEmbeddingModel() };
const random = seededRandom('upserts', documents);
const begun = performance.now();
let made = 0;
const under = new Set<Promise<void>>();
while (!ended) {
  // Open loop: what is late comes at once.
  await sleep(Math.max(0, begun + (made * 1_000) / perSecond - performance.now()));
  made += 1;
  const one = { at: random.integer(0, documents - 1), revision: made + 1 };
  const sent = produceDocuments({ writer, codec }, settings, [one]).finally(() => under.delete(sent));
  under.add(sent);
}
await Promise.all(under);
await writer.close();
await kafka.close();
console.log(made);
