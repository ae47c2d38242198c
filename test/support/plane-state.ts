/** I1 and I7 of a data plane, looked at from outside: the source by a SELECT, the index by asking for every document. */
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { judgeDraft, NO_LOOKALIKES } from '../../pipelines/gates/run-gates.ts';
import { chunkText } from '../../pipelines/index-documents/chunk-text.ts';
import { planChunks } from '../../pipelines/index-documents/document-records.ts';
import { mapRow } from '../../pipelines/index-documents/draft.ts';
import { gatesOfTable, type Row } from '../../schemas/config.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import { isSearchable } from '../../schemas/document-order.ts';
import type { DeadLetter, Quarantined } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { DataPlane } from './indexed-source.ts';
import { ARTICLES } from './plane.config.ts';
import { until } from './until.ts';

const instant = createHashEmbeddingModel();

/** What mapping and gates make of the rows as they are now: `tenant document hash`, sorted. */
export const expectedChunks = async (
  { client, source, config }: DataPlane,
  model: Pick<EmbeddingModel, 'id' | 'countTokens'> = instant,
): Promise<readonly string[]> => {
  const { rows } = await client.query<Row>('SELECT id::text, tenant, title, category, body FROM articles');
  return rows
    .flatMap((row) => {
      const mapped = mapRow(ARTICLES, row, [], undefined);
      if (mapped.kind !== 'draft') return [];
      const id = documentIdOf(source, 'public.articles', { id: String(row.id) });
      const settings = gatesOfTable(config, source, 'public.articles');
      const context = { settings, documentId: id, lookalikes: NO_LOOKALIKES, steps: () => undefined };
      const { draft, refusal } = judgeDraft(mapped.draft, context);
      if (refusal) return [];
      const countTokens = (text: string): number => model.countTokens(text);
      const maxTokens = Math.max(16, config.chunking.maxTokens - countTokens(draft.title));
      const slices = chunkText(draft.text, { ...config.chunking, maxTokens, countTokens });
      return planChunks(draft, slices, model.id).map(({ hash }) => `${draft.tenant} ${id} ${hash}`);
    })
    .sort();
};

/** Every document id that the log ever named. */
export const idsInLog = async ({ kafka }: DataPlane): Promise<ReadonlySet<string>> => {
  const ids = new Set<string>();
  await scanTopic(kafka, { topic: TOPICS.documents.name }, (record) => {
    const id = record.key?.toString('utf8') ?? '';
    if (!id.startsWith('/')) ids.add(id);
  });
  return ids;
};

export interface IndexedState {
  /** `tenant document hash` of this source, sorted; a chunk whose row is not in the vectors says so. */
  readonly chunks: readonly string[];
  /** Rows in the vectors beyond those of documents, of any source. */
  readonly orphans: number;
}

export const indexedState = async (plane: DataPlane, index: IndexService): Promise<IndexedState> => {
  const chunks: string[] = [];
  let rows = 0;
  for (const id of await idsInLog(plane)) {
    const found = await index.document(id);
    if (!found || !isSearchable(found.record)) continue;
    rows += new Set(found.record.chunks.filter((chunk) => chunk.inIndex).map((chunk) => chunk.hash)).size;
    // What a marker keeps is in the index, and is not what a SELECT makes: I1 leaves refused documents apart.
    if (!id.startsWith(`${plane.source}/`) || found.record.kind !== 'document') continue;
    for (const { hash, inIndex } of found.record.chunks)
      chunks.push(`${found.record.tenant} ${id} ${hash}${inIndex ? '' : ' missing'}`);
  }
  return { chunks: chunks.sort(), orphans: (await index.status()).rows - rows };
};

const ends = async ({ kafka }: DataPlane, topic: string): Promise<number> =>
  (await kafka.admin.offsets(topic)).reduce((sum, { earliest, latest }) => sum + latest - earliest, 0);

/** Records that Debezium and the test wrote to the change topic so far. */
export const changesWritten = (plane: DataPlane): Promise<number> => ends(plane, plane.topic);

/** I1 at rest: the index is what mapping and gates make of the source, and holds nothing else. */
export const untilEqual = (
  plane: DataPlane,
  index: IndexService,
  model: Pick<EmbeddingModel, 'id' | 'countTokens'> = instant,
): Promise<unknown> =>
  until(
    'the index equals the source',
    async () => {
      const [state, expected] = [await indexedState(plane, index), await expectedChunks(plane, model)];
      return JSON.stringify(state) === JSON.stringify({ chunks: expected, orphans: 0 });
    },
    { every: 100 },
  ).catch(async () => {
    const { chunks, orphans } = await indexedState(plane, index);
    const expected = await expectedChunks(plane, model);
    const missing = expected.filter((each) => !chunks.includes(each));
    const extra = chunks.filter((each) => !expected.includes(each));
    throw new Error(`the index is not the source: ${JSON.stringify({ missing, extra, orphans })}`);
  });

/** Where the group of index-documents stands, all partitions together. */
export const changesCommitted = async ({ kafka, topic }: DataPlane): Promise<number> =>
  [...(await kafka.admin.committed('freshet.index-documents', topic)).values()].reduce(
    (sum, { offset }) => sum + offset,
    0,
  );

export const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** I7: every record of the change topic is counted once. Heartbeats go on coming, so it is asked between two of them. */
export const untilCounted = (plane: DataPlane, counts: Readonly<Record<string, number>>): Promise<unknown> =>
  until('every change is counted exactly once', async () => {
    const before = await changesWritten(plane);
    const counted = total(counts);
    return counted === before && before === (await changesWritten(plane));
  });

export const quarantined = async ({ kafka, codec, source }: DataPlane): Promise<readonly Quarantined[]> => {
  const found: Quarantined[] = [];
  await scanTopic(kafka, { topic: TOPICS.quarantine.name }, async (record) => {
    found.push(await codec.decode('Quarantined', record.value));
  });
  return found.filter((each) => each.source === source);
};

export const deadLetters = async ({ kafka, codec, topic }: DataPlane): Promise<readonly DeadLetter[]> => {
  const found: DeadLetter[] = [];
  await scanTopic(kafka, { topic: TOPICS.deadLetters.name }, async (record) => {
    found.push(await codec.decode('DeadLetter', record.value));
  });
  return found.filter((each) => each.origin.topic === topic);
};
