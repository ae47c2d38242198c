/**
 * Searches one after the other, from a process that does nothing else: `search-process.ts <settings as JSON>`. Prints how many
 * milliseconds each took, as JSON. What is asked is made up before the first search: made between two of them, it would be measured.
 */
import { z } from 'zod';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { seededRandom } from '../../connectors/sample-source/seeded-random.ts';
import { questionOf } from './synthetic-documents.ts';

const settings = z
  .object({
    url: z.string(),
    documents: z.number(),
    smallTenantEvery: z.number(),
    tenant: z.string(),
    mode: z.enum(['vector', 'hybrid']),
    topK: z.number(),
    warmUpSeconds: z.number(),
    seconds: z.number(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));

/** More than the role keeps vectors of. */
const QUESTIONS = 15_000;

const { url, tenant, mode, topK } = settings;
const random = seededRandom('questions', settings.documents, tenant, mode);
const synthetic = { ...settings, model: createHashEmbeddingModel() };
const questions = Array.from({ length: QUESTIONS }, () =>
  questionOf(synthetic, random.integer(0, settings.documents - 1)),
);
const client = openIndexClient(url);
let asked = 0;

const searchFor = async (seconds: number): Promise<readonly number[]> => {
  const end = performance.now() + seconds * 1_000;
  const times: number[] = [];
  for (; performance.now() < end; asked += 1) {
    const begun = performance.now();
    await client.search({ query: questions[asked % QUESTIONS] ?? '', tenant, mode, topK });
    times.push(performance.now() - begun);
  }
  return times;
};

// Whoever measures is gone.
process.stdin.resume().once('end', () => process.exit(1));
// The role has just been started, and so has the load.
await searchFor(settings.warmUpSeconds);
console.log(JSON.stringify(await searchFor(settings.seconds)));
process.stdin.destroy();
