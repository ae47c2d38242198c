import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openMinisearchKeywordIndex } from '../../../connectors/keyword-index/minisearch-keyword-index.ts';
import { rowIdOf } from '../../../pipelines/apply-index/index-rows.ts';
import { keepKeywords } from '../../../pipelines/apply-index/keep-keywords.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { createMemoryDocumentTable } from '../memory-document-table.ts';
import { documentOf } from './search-over.ts';

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await setTimeout(20);
};

test('a thread that its memory limit ended is followed by another, and filled once the round under way has ended', async () => {
  const keywords = openMinisearchKeywordIndex({ maxBytes: 100_000 });
  const table = createMemoryDocumentTable();
  const apply = (key: number, text: string): void => {
    const record = documentOf('s', key, 1, 0.9, text);
    const origin = { partition: 0, documentId: record.documentId, chunk: 0 };
    table.write({
      partition: 0,
      position: key,
      documents: [{ record, offset: key }],
      rows: record.chunks.map(({ hash }) => ({ rowId: rowIdOf(record, hash), origin })),
    });
  };
  apply(1, 'quince');
  let endRound = (): void => undefined;
  const round = new Promise<void>((resolve) => {
    endRound = resolve;
  });
  const kept = keepKeywords({
    keywords,
    table: () => table,
    partitions: [0],
    settled: () => round,
    onFailure: () => undefined,
  });
  const found = async (text: string) => {
    await keywords.state();
    return (await keywords.query({ text, tenant: 'acme', tags: [], topK: 10 }))?.length;
  };
  try {
    await until(kept.ready);
    expect(await found('quince')).toBe(1);

    await keywords.add([{ id: 'x', tenant: 'acme', tags: [], text: 'a '.repeat(30_000_000) }]);
    expect((await keywords.state()).failure).toContain('memory');
    expect(kept.ready()).toBe(false);
    expect(await found('quince')).toBeUndefined();

    // Of a round under way: its rows went to the thread that ended, and are not in the table yet.
    await keywords.add([{ id: 'y', tenant: 'acme', tags: [], text: 'medlar' }]);
    while ((await keywords.state()).failure !== null) await setTimeout(20);
    await setTimeout(50);
    expect(kept.ready()).toBe(false);
    apply(2, 'medlar');
    endRound();
    await until(kept.ready);
    expect(await found('quince')).toBe(1);
    expect(await found('medlar')).toBe(1);
  } finally {
    await kept.stop();
    await keywords.close();
  }
});

test('a damaged record that the filling meets is told, and what a stop cuts off is not', async () => {
  const keywords = openMinisearchKeywordIndex();
  const damage = new FreshetError('index-corrupt', 'a record fails its checksum');
  const damaged = {
    ...createMemoryDocumentTable(),
    standings: () => {
      throw damage;
    },
  };
  const told: unknown[] = [];
  const keep = () =>
    keepKeywords({
      ...{ keywords, table: () => damaged, partitions: [0], settled: () => Promise.resolve() },
      onFailure: (thrown) => told.push(thrown),
    });
  const kept = keep();
  await until(() => told.length > 0);
  await kept.stop();
  await keep().stop();
  await keywords.close();
  expect(told).toEqual([damage]);
  expect(kept.ready()).toBe(false);
});
