/** What the keyword index takes: memory a row, time to fill, time of a query, in one tenant of so many rows. */
import { openMinisearchKeywordIndex } from '../connectors/keyword-index/minisearch-keyword-index.ts';
import { createHashEmbeddingModel } from '../connectors/models/embedding/hash-embedding-model.ts';
import { type Bench, type Figures, percentile } from './support/bench.ts';
import { questionOf, type SyntheticSettings, syntheticDocuments } from './support/synthetic-documents.ts';

const QUERIES = 500;
const ROWS_AT_ONCE = 500;
const NO_LIMIT = 8 * 2 ** 30;

const measure = async (rows: number, signal: AbortSignal): Promise<Figures> => {
  const settings: SyntheticSettings = {
    documents: rows,
    smallTenantEvery: rows + 1,
    model: createHashEmbeddingModel(),
  };
  const index = openMinisearchKeywordIndex({ maxBytes: NO_LIMIT });
  try {
    await index.state();
    const before = process.memoryUsage.rss();
    let filling = 0;
    for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
      signal.throwIfAborted();
      const made = await syntheticDocuments(
        settings,
        Array.from({ length: Math.min(ROWS_AT_ONCE, rows - from) }, (_, at) => ({
          at: from + at,
          revision: 1,
        })),
      );
      const begun = performance.now();
      await index.add(
        made.map(({ record }, at) => ({
          id: (from + at).toString(16).padStart(32, '0'),
          tenant: 'large',
          tags: [`shelf=${record.metadata.shelf}`, `source=${record.source}`, `table=${record.table}`],
          text: `${record.title}\n${record.text}`,
        })),
      );
      // Every state is behind what was added.
      await index.state();
      filling += performance.now() - begun;
    }
    const { bytes } = await index.state();
    const taken = process.memoryUsage.rss() - before;
    const times: number[] = [];
    for (let at = 0; at < QUERIES; at += 1) {
      const text = questionOf(settings, (at * 7_919) % rows);
      const begun = performance.now();
      await index.query({ text, tenant: 'large', tags: [], topK: 40 });
      times.push(performance.now() - begun);
    }
    return {
      rows: { value: rows, unit: '' },
      'memory taken': { value: Math.round(taken / 2 ** 20), unit: 'MiB' },
      'memory a row': { value: Math.round(taken / rows), unit: 'bytes' },
      'estimate a row': { value: Math.round(bytes / rows), unit: 'bytes' },
      'filled a second': { value: Math.round((rows * 1_000) / filling), unit: 'rows' },
      'query p50': { value: percentile(times, 50), unit: 'ms' },
      'query p99': { value: percentile(times, 99), unit: 'ms' },
    };
  } finally {
    await index.close();
  }
};

const keywordBench = (name: string, rows: number): Bench => ({
  name,
  measures: `the keyword index alone with ${rows.toLocaleString('en')} rows of 50 words: memory, filling, queries`,
  runs: 1,
  run: (_, signal) => measure(rows, signal),
});

export const keywordBenches: readonly Bench[] = [
  keywordBench('keywords-100k', 100_000),
  keywordBench('keywords-1m', 1_000_000),
];
