/** Reads of one's own writes on the whole path: a row written, its position taken, found by the next search; or why not. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { POSTGRES } from '../../connectors/sources/postgres/postgres-kind.ts';
import { parseLsn } from '../../connectors/sources/postgres/postgres-position.ts';
import { askForPause } from '../../pipelines/watch-sources/ask-for-pause.ts';
import { systemClock } from '../../schemas/clock.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { PROBE_QUERY, PROBE_TENANT } from '../../schemas/probe.ts';
import type { FreshnessRequest, SearchResponse } from '../../schemas/search.ts';
import { comparePositions } from '../../schemas/source-position.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { foundProbe, startTracking } from '../support/plane-freshness.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { until } from '../support/until.ts';
import { whenFresh } from '../support/when-fresh.ts';

const SOURCE = 'fresh-after';
const WRITERS = 12;
const WRITES = 25;

let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let tracking: Awaited<ReturnType<typeof startTracking>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const opened = await openDataPlane(inject('stack'), SOURCE);
  const { config } = opened;
  plane = { ...opened, config: { ...config, freshness: { ...config.freshness, probes: true } } };
  pipeline = await startPipeline(plane, folder.path);
  index = await startIndex(plane, folder.path);
  await plane.client.query(`INSERT INTO articles VALUES (1, 'acme', 'First', 'a', 'The word is first.')`);
  await plane.capture();
  tracking = await startTracking(plane, systemClock, index);
}, 360_000);

afterAll(async () => {
  await tracking?.stop();
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await folder?.remove();
});

const search = (query: string, freshness: FreshnessRequest, filter: Record<string, string> = {}) =>
  index.search({ query, tenant: 'acme', topK: 5, freshness, filter });

const position = async (client = plane.client): Promise<string> =>
  (await client.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn')).rows[0]?.lsn ?? '';

const watermark = async () => (await index.watermarks())[SOURCE];

test('a quiet source has a watermark that moves, and a receipt says how old its answer is', async () => {
  const first = await until('known', async () => {
    const mark = await watermark();
    return mark?.state === 'known' && mark.stalenessMs !== null && mark;
  });
  await until(
    'it moves',
    async () => ((await watermark())?.committedAt ?? 0) > (first.committedAt ?? 0) + 1e6,
  );
  const { receipt } = await search('first', { maxStalenessMs: 100_000, waitMs: 20_000 });
  expect(receipt.fresh).toBe(true);
  expect(receipt.stalenessMs).toBeLessThan(100_000);
  expect(receipt.watermarks[SOURCE]).toMatchObject({ state: 'known', heldTables: {}, deadLettered: 0 });
});

test('an asynchronous commit lies at or below the end of the log that a comparison asks for, and it is covered', async () => {
  const client = await plane.connectClient();
  try {
    await client.query('SET synchronous_commit = off');
    for (let key = 900; key < 910; key += 1) {
      await client.query(
        `INSERT INTO articles VALUES (${key}, 'acme', 'Async', 'a', 'Not flushed, ${key}.')`,
      );
      const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
      const end = await POSTGRES.currentPosition(plane.url);
      expect(parseLsn(end)[0]).toBeGreaterThanOrEqual(parseLsn(rows[0]?.lsn ?? '')[0] ?? 0n);
      const after = { source: SOURCE, position: end };
      const { hits } = await search(`Not flushed, ${key}.`, { after, waitMs: 20_000 });
      expect(hits.map(({ text }) => text)).toContain(`Not flushed, ${key}.`);
    }
  } finally {
    await client.query('DELETE FROM articles WHERE id >= 900');
    await client.end();
  }
});

test('probe rows are found as a user would find them, and by no user', async () => {
  const probe = await until('a probe is found', () => foundProbe(plane, SOURCE));
  expect(probe.foundAt).toBeGreaterThan(probe.committedAt);
  const { hits } = await index.search({ query: PROBE_QUERY, tenant: 'acme', topK: 10 });
  expect(hits.filter((hit) => hit.text.includes(PROBE_QUERY))).toEqual([]);
  expect(
    (await index.search({ query: PROBE_QUERY, tenant: PROBE_TENANT, topK: 10, filter: { source: SOURCE } }))
      .hits,
  ).toHaveLength(1);
});

test('write, take the position, search after it: the row is always there, whoever else writes', async () => {
  let missed = 0;
  const waits: number[] = [];
  const writer = async (number: number): Promise<void> => {
    const client = await plane.connectClient();
    for (let at = 0; at < WRITES; at += 1) {
      const word = `w${number}x${at}x`;
      await client.query(
        `INSERT INTO articles VALUES ($1, 'acme', 'Own', $2, $3) ON CONFLICT (id) DO UPDATE SET category = excluded.category, body = excluded.body`,
        [1_000 + number, `c${number}`, `The word is ${word}.`],
      );
      const after = { source: SOURCE, position: await position(client) };
      const began = performance.now();
      const { hits } = await whenFresh(() =>
        search('The word', { after, waitMs: 20_000 }, { category: `c${number}` }),
      );
      waits.push(performance.now() - began);
      if (!hits.some((hit) => hit.text.includes(word))) missed += 1;
    }
    await client.end();
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)));
  expect(missed).toBe(0);
  waits.sort((a, b) => a - b);
  console.log(
    `fresh-after: ${waits.length} reads, p50 ${Math.round(waits[waits.length >> 1] ?? 0)} ms, max ${Math.round(waits.at(-1) ?? 0)} ms`,
  );
});

test('a row that a gate refused is not found, and the answer says which gate', async () => {
  await plane.client.query(
    `INSERT INTO articles VALUES (50, 'acme', 'Refused', 'a', '   '), (51, 'brim', 'Refused', 'a', '')`,
  );
  const after = { source: SOURCE, position: await position() };
  const { receipt } = await whenFresh(() => search('refused', { after, waitMs: 20_000 }));
  expect(receipt.refused).toMatchObject([
    { documentId: `${SOURCE}/public.articles/50`, gate: 'required', reason: 'no-text' },
  ]);
  await until('counted', async () => ((await watermark())?.quarantined ?? 0) >= 2);
  await plane.client.query(`UPDATE articles SET body = 'The word is mended.' WHERE id = 50`);
  const mendedAt = { source: SOURCE, position: await position() };
  const mended = await whenFresh(() => search('mended', { after: mendedAt, waitMs: 20_000 }));
  expect(mended.receipt.refused).toEqual([]);
  expect(mended.hits[0]?.text).toContain('mended');
});

test('a position that is not reached in time is a stale answer that says how far behind it is', async () => {
  const far = { source: SOURCE, position: 'FFFFFFFF/0' };
  const error = await search('first', { after: far, waitMs: 300 }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(FreshetError);
  const { code, details } = error as FreshetError;
  expect(code).toBe('stale');
  expect(details).toMatchObject({ behind: { source: SOURCE, state: 'known', wantedPosition: far.position } });
  expect((details as { behind: { bytes: number } }).behind.bytes).toBeGreaterThan(1e9);
  await expect(search('first', { maxStalenessMs: 0, waitMs: 0 })).rejects.toMatchObject({ code: 'stale' });
  await expect(search('first', { after: { source: 'nosuch', position: '0/1' } })).rejects.toMatchObject({
    code: 'request-invalid',
  });
  await expect(search('first', { after: { source: SOURCE, position: 'yesterday' } })).rejects.toMatchObject({
    code: 'request-invalid',
  });
});

test('while the pipeline stands still the watermark does too, its staleness grows, and fresh reads are refused', async () => {
  await pipeline.stop();
  await plane.client.query(`UPDATE articles SET body = 'The word is late.' WHERE id = 1`);
  const after = { source: SOURCE, position: await position() };
  const before = await watermark();
  await expect(search('late', { after, waitMs: 1_000 })).rejects.toMatchObject({ code: 'stale' });
  const later = await until('its staleness grows', async () => {
    const mark = await watermark();
    return (mark?.stalenessMs ?? 0) > (before?.stalenessMs ?? 0) + 900 && mark;
  });
  expect(later.state).toBe('known');
  expect(comparePositions(later.position ?? '', after.position)).toBe(-1);
  pipeline = await startPipeline(plane, folder.path);
  const found = await until('covered', () =>
    search('late', { after, waitMs: 20_000 }).catch((error: FreshetError) => error.code !== 'stale'),
  );
  expect(found).toMatchObject({ receipt: { watermarks: { [SOURCE]: { state: 'known' } } } });
  expect((found as SearchResponse).hits.some((hit) => hit.text.includes('late'))).toBe(true);
});

test('a table that a worker asked to pause is held back before any watch has come to it', async () => {
  const table = 'public.articles';
  const { writer, codec } = plane;
  const reason = 'a column is gone';
  // Nobody watches this source: its state never says so.
  await askForPause({ writer, codec, clock: systemClock }, [{ source: SOURCE, table, reason, turn: 0 }]);
  const mark = await until('held back', async () => {
    const now = await watermark();
    return now?.heldTables[table] !== undefined && now;
  });
  expect(mark.state).toBe('known');
  expect(mark.heldTables[table]).toMatchObject({ reason: `asked to be paused: ${reason}` });
  // A row written now is skipped: a search that could find it is told so, one by another table is answered.
  await plane.client.query(`UPDATE articles SET body = 'The word is skipped.' WHERE id = 1`);
  const after = { source: SOURCE, position: await position() };
  const error = await search('skipped', { after, waitMs: 1_000 }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'stale', details: { behind: { source: SOURCE, table } } });
  await whenFresh(() => search('skipped', { after, waitMs: 20_000 }, { table: 'public.others' }));
});
