/**
 * How well a search finds what answers: nDCG@10 of vectors, of words and of both on the labelled questions, with the real
 * model, through the very search of the index role, on a table and an index in a folder of their own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMinisearchKeywordIndex } from '../../connectors/keyword-index/minisearch-keyword-index.ts';
import { EmbeddingCache } from '../../connectors/models/embedding/embedding-cache.ts';
import { openMinilmEmbeddingModel } from '../../connectors/models/embedding/minilm-embedding-model.ts';
import { sampleRow } from '../../connectors/sample-source/sample-row.ts';
import { artifactsIn } from '../../connectors/stack/artifacts.ts';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import config from '../../freshet.config.ts';
import { applyDocuments } from '../../pipelines/apply-index/apply-documents.ts';
import { embedQuery } from '../../pipelines/apply-index/embed-query.ts';
import { openGenerations } from '../../pipelines/apply-index/generations.ts';
import { searchIndex } from '../../pipelines/apply-index/search-index.ts';
import { JUDGED_ALONE } from '../../pipelines/gates/judged-alone.ts';
import { embedDocuments } from '../../pipelines/index-documents/embed-documents.ts';
import { expectedDocument } from '../../pipelines/reconcile/expected-document.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { ColumnValue } from '../../schemas/config.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import { SEARCH_MODES } from '../../schemas/search.ts';
import { makeVersion } from '../../schemas/version.ts';
import { type Bench, type Figures, percentile } from '../support/bench.ts';
import { type LabelledQuestion, labelledQuestions } from './labelled-questions.ts';

const SEED = 1;
const ROWS = 1_500;
const TOP_K = 10;
const SOURCE = 'helpcentre';
const DOCUMENTS_AT_ONCE = 16;

/** Binary relevance. Järvelin and Kekäläinen 2002: gain 1 / log2(rank + 1), over the best possible. */
export const ndcg = (ranked: readonly string[], relevant: ReadonlySet<string>): number => {
  const gain = (rank: number): number => 1 / Math.log2(rank + 2);
  const reached = ranked.reduce((sum, id, rank) => sum + (relevant.has(id) ? gain(rank) : 0), 0);
  const best = Array.from({ length: Math.min(TOP_K, relevant.size) }, (_, rank) => gain(rank)).reduce(
    (sum, each) => sum + each,
    0,
  );
  return best === 0 ? 0 : reached / best;
};

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const idOf = (table: string, id: number): string => documentIdOf(SOURCE, `public.${table}`, { id });

const measure = async (tell: (line: string) => void, signal: AbortSignal): Promise<Figures> => {
  const folder = mkdtempSync(join(tmpdir(), 'freshet-retrieval-'));
  const model = await openMinilmEmbeddingModel({
    modelDirectory: artifactsIn(cacheDirectoryOf(process.env)).modelDirectory,
    workers: 1,
  });
  const generations = await openGenerations({
    folder,
    dimensions: model.dimensions,
    onDiscarded: () => undefined,
  });
  const keywords = openMinisearchKeywordIndex();
  const generation = { ...generations.serving(), keywords };
  const embedding = new EmbeddingCache({ model, maxBytes: 2 ** 24 });
  const clock = systemClock;
  const prepare = {
    config,
    model: model.id,
    chunking: { ...config.chunking, countTokens: (text: string) => model.countTokens(text) },
    limits: { maxRecordBytes: 2 ** 23 },
    ...JUDGED_ALONE,
    clock,
    readRow: async () => undefined,
  };
  try {
    const chunks = new Map<string, number>();
    for (let from = 0; from < ROWS; from += DOCUMENTS_AT_ONCE) {
      signal.throwIfAborted();
      const prepared = await Promise.all(
        Array.from({ length: Math.min(DOCUMENTS_AT_ONCE, ROWS - from) }, async (_, at) => {
          const { table, ...columns } = sampleRow(SEED, from + at);
          const row = Object.fromEntries(
            Object.entries(columns).map(([name, value]) => [snake(name), value as ColumnValue]),
          );
          const place = { source: SOURCE, table: `public.${table}` };
          const expected = await expectedDocument(
            prepare,
            place,
            { key: { id: columns.id }, row },
            makeVersion(1, [1n, 1n]),
          );
          return expected.prepared;
        }),
      );
      const outcomes = await embedDocuments({ embedding, model, clock }, prepared);
      const records = outcomes.flatMap((outcome) => ('record' in outcome ? [outcome.record] : []));
      for (const record of records) chunks.set(record.documentId, record.chunks.length);
      await applyDocuments(generation, [
        {
          ...{ partition: 0, position: from + DOCUMENTS_AT_ONCE },
          records: records.map((record, at) => ({ record, offset: from + at })),
        },
      ]);
      if (from % 320 === 0) tell(`${from} rows`);
    }
    const questions = labelledQuestions(SEED, ROWS, ({ table, id }) => chunks.get(idOf(table, id)) ?? 0);
    const figures: Record<string, Figures[string]> = {
      documents: { value: chunks.size, unit: '' },
      questions: { value: questions.length, unit: '' },
    };
    for (const mode of SEARCH_MODES) {
      const scores = new Map<LabelledQuestion, number>();
      const times: number[] = [];
      for (const question of questions) {
        const begun = performance.now();
        const { hits } = await searchIndex(
          {
            generation,
            keywordsReady: () => true,
            vector: await embedQuery(embedding.forTenant(question.tenant), question.question),
            basis: () => ({
              index: 'bench',
              model: model.id,
              at: 0,
              watermarks: {},
              newestApplied: {},
              targetMs: 5_000,
            }),
            clock,
            clockOffset: () => 0,
          },
          { query: question.question, tenant: question.tenant, topK: TOP_K, maxPerDocument: 1, mode },
        );
        times.push(performance.now() - begun);
        const relevant = new Set(question.rows.map(({ table, id }) => idOf(table, id)));
        scores.set(
          question,
          ndcg(
            hits.map(({ documentId }) => documentId),
            relevant,
          ),
        );
      }
      const mean = (of: readonly number[]): number => of.reduce((sum, each) => sum + each, 0) / of.length;
      figures[`nDCG@10 ${mode}`] = { value: mean([...scores.values()]), unit: '' };
      for (const kind of new Set(questions.map((question) => question.kind)))
        figures[`nDCG@10 ${mode}, ${kind}`] = {
          value: mean([...scores].filter(([question]) => question.kind === kind).map(([, score]) => score)),
          unit: '',
        };
      figures[`search p50 ${mode}`] = { value: percentile(times, 50), unit: 'ms' };
    }
    const vector = figures['nDCG@10 vector']?.value ?? 1;
    const hybrid = figures['nDCG@10 hybrid'];
    return { ...figures, ...(hybrid && { 'nDCG@10 hybrid': { ...hybrid, target: { atLeast: vector } } }) };
  } finally {
    await keywords.close();
    await generations.close();
    await model.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

export const retrievalBench: Bench = {
  name: 'retrieval',
  measures: 'nDCG@10 of vectors, words and both on 80 labelled questions over 1,500 sample rows, real model',
  runs: 1,
  run: measure,
};
