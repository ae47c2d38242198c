/** MariaDB beside Postgres in one configuration: the same documents of the same rows, and every kind of change ends where a SELECT says. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UNAVAILABLE } from '../../connectors/debezium/change.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { MARIADB } from '../../connectors/sources/mariadb/mariadb-kind.ts';
import { sourcePlugins } from '../../connectors/sources/source-kinds.ts';
import { reconcileTable } from '../../pipelines/reconcile/reconcile-table.ts';
import { systemClock } from '../../schemas/clock.ts';
import { comparePositions } from '../../schemas/source-position.ts';
import { parseVersion } from '../../schemas/version.ts';
import { comparing } from '../support/comparing.ts';
import { foundProbe, startTracking } from '../support/plane-freshness.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { total } from '../support/plane-state.ts';
import { type ProxiedConnect, startWithProxiedConnect } from '../support/proxied-connect.ts';
import { openTwoKinds, type TwoKinds } from '../support/two-kinds.ts';
import { until } from '../support/until.ts';
import { startWatch } from '../support/watch.ts';
import { whenFresh } from '../support/when-fresh.ts';

const model = createHashEmbeddingModel();
let proxied: ProxiedConnect;
let both: TwoKinds;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

const ROWS = `(1, 'acme', 'First', 'seed', 'The word is quince.', 12.5, '2026-01-02 03:04:05.678', '2026-01-02 03:04:05.678901', '2026-01-02'),
  (2, 'brim', 'Second', NULL, 'The word is medlar.', NULL, NULL, NULL, NULL)`;
const ON_SHOP = { sources: { shop: { kind: 'mariadb', url: '', tables: {} } } } as const;

beforeAll(async () => {
  folder = await temporaryFolder();
  proxied = await startWithProxiedConnect({
    servers: ['kafka', 'schemaRegistry', 'connect', 'postgres', 'mariadb'],
    plugins: sourcePlugins(ON_SHOP.sources),
  });
  both = await openTwoKinds(proxied.stack);
  await both.shop.query(`INSERT INTO articles VALUES ${ROWS}`);
  await both.twin.query(`SET timezone = 'UTC'`);
  await both.twin.query(`INSERT INTO articles VALUES ${ROWS}`);
  pipeline = await startPipeline(both, folder.path);
  index = await startIndex(both, folder.path);
  await both.capture();
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await index?.stop();
  await both?.close();
  await proxied?.close();
  await folder?.remove();
});

const shopId = (key: string | number): string => `shop/shop.articles/${key}`;
const recordOf = async (id: string) => (await index.document(id))?.record;
const kindOf = async (key: string | number) => (await recordOf(shopId(key)))?.kind;
const textOf = async (key: string | number) => (await recordOf(shopId(key)))?.text;
const written = async (): Promise<number> =>
  (await both.kafka.admin.offsets(both.topic)).reduce(
    (sum, { earliest, latest }) => sum + latest - earliest,
    0,
  );

/** I1 at rest, by identity of whole documents: what a SELECT gives is what is indexed, and nothing else of this source. */
const untilEqual = async (): Promise<void> => {
  const rows = await both.shop.query<{ id: bigint; tenant: string; title: string; body: string }[]>(
    'SELECT id, tenant, title, body FROM articles ORDER BY id',
  );
  const expected = rows.map(({ id, tenant, title, body }) => [shopId(String(id)), tenant, title, body]);
  const ids = new Set<string>();
  await until('the index is the source', async () => {
    await scanTopic(both.kafka, { topic: 'freshet.documents' }, ({ key }) => {
      const id = key?.toString('utf8') ?? '';
      if (id.startsWith(shopId(''))) ids.add(id);
    });
    const records = await Promise.all([...ids].map((id) => recordOf(id)));
    const found = records
      .filter((record) => record?.kind === 'document')
      .map((record) => [record?.documentId, record?.tenant, record?.title, record?.text]);
    return JSON.stringify(found.sort()) === JSON.stringify(expected.sort());
  });
};

test('rows that were there before: one shape of document, whichever database they are in', async () => {
  for (const key of [1, 2]) {
    const shop = await until('of MariaDB', () => recordOf(shopId(key)));
    const twin = await until('of Postgres', () => recordOf(`twin/public.articles/${key}`));
    const shape = ({ title, text, tenant, metadata, kind }: typeof shop) => ({
      title,
      text,
      tenant,
      metadata,
      kind,
    });
    expect(shape(shop)).toEqual(shape(twin));
  }
  expect((await recordOf(shopId(1)))?.metadata).toEqual({
    ...{ id: '1', category: 'seed', price: '12.5000', day: '2026-01-02Z' },
    ...{ published: '2026-01-02T03:04:05.678Z', seen: '2026-01-02T03:04:05.678901Z' },
  });
  // A read of the snapshot is older than anything streamed.
  expect(parseVersion((await recordOf(shopId(1)))?.version ?? '').position[0]).toBe(0n);
});

test('insert, update, delete, and a row that moves to another tenant', async () => {
  await both.shop.query(
    `INSERT INTO articles (id, tenant, title, body) VALUES (100, 'acme', 'New', 'The word is loquat.')`,
  );
  await until('inserted', async () => (await textOf(100)) === 'The word is loquat.');
  await both.shop.query(`UPDATE articles SET body = 'The word is sorb.', tenant = 'brim' WHERE id = 100`);
  await until('updated', async () => (await textOf(100)) === 'The word is sorb.');
  const { hits } = await index.search({ query: 'sorb', tenant: 'brim', topK: 5 });
  expect(hits.map(({ documentId }) => documentId)).toContain(shopId(100));
  // A log that leaves nothing out: what looks like a value left out is one.
  await both.shop.query(`UPDATE articles SET body = '${UNAVAILABLE}' WHERE id = 100`);
  await until('updated again', async () => (await textOf(100)) === UNAVAILABLE);
  await both.shop.query('DELETE FROM articles WHERE id = 100');
  await until('deleted', async () => (await kindOf(100)) === 'deleted');
  await untilEqual();
});

test('a changed key is a delete and a create; one above 2^63 keeps its digits', async () => {
  const big = '18446744073709551557';
  await both.shop.query(
    `INSERT INTO articles (id, tenant, title, body) VALUES (200, 'acme', 'Moves', 'The word is bullace.')`,
  );
  await both.shop.query(`UPDATE articles SET id = ${big} WHERE id = 200`);
  await until('under the new key', async () => (await textOf(big)) === 'The word is bullace.');
  expect((await recordOf(shopId(big)))?.metadata).toMatchObject({ id: big });
  await until('not under the old one', async () => (await kindOf(200)) === 'deleted');
  await untilEqual();
});

test('many changes of one row in one transaction: the last one stays', async () => {
  await both.shop.beginTransaction();
  await both.shop.query(
    `INSERT INTO articles (id, tenant, title, body) VALUES (300, 'acme', 'Often', 'Change 0.'), (301, 'acme', 'Often', 'Change 0.')`,
  );
  for (let at = 1; at <= 20; at += 1)
    await both.shop.query(`UPDATE articles SET body = 'Change ${at}.' WHERE id IN (300, 301)`);
  await both.shop.commit();
  await until(
    'the last',
    async () => (await textOf(300)) === 'Change 20.' && (await textOf(301)) === 'Change 20.',
  );
  await untilEqual();
});

test('two transactions that overlap: the later commit wins, though it wrote first', async () => {
  const other = await both.openShop();
  await both.shop.query(
    `INSERT INTO articles (id, tenant, title, body) VALUES (310, 'acme', 'A', 'First.'), (311, 'acme', 'B', 'First.')`,
  );
  await both.shop.beginTransaction();
  await both.shop.query(`UPDATE shop.articles SET body = 'Committed last.' WHERE id = 310`);
  await other.query(`UPDATE shop.articles SET body = 'Committed first.' WHERE id = 311`);
  await both.shop.query(`UPDATE shop.articles SET body = 'Committed last.' WHERE id = 311`);
  await both.shop.commit();
  await other.end();
  await until('the later commit', async () => (await textOf(311)) === 'Committed last.');
  await untilEqual();
});

test('the position of a quiet source moves past what was committed', async () => {
  await both.shop.query(
    `INSERT INTO articles (id, tenant, title, body) VALUES (400, 'acme', 'Last', 'The word is service.')`,
  );
  const position = await MARIADB.currentPosition(both.shopUrl);
  expect(position).toMatch(/^binlog\.\d{6}:\d+$/);
  const acknowledged = async () => {
    const [first] = await both.connect.offsets(both.names.connector);
    return first && MARIADB.acknowledgedPosition(first);
  };
  await until(
    'acknowledged',
    async () => (comparePositions((await acknowledged()) ?? 'x.0:0', position) ?? -1) >= 0,
  );
  // Kafka has it: the index comes behind.
  await until('indexed', async () => (await textOf(400)) === 'The word is service.');
  await both.shop.query('FLUSH BINARY LOGS');
  const next = await MARIADB.currentPosition(both.shopUrl);
  expect(comparePositions(next, position)).toBeGreaterThan(0);
  await both.shop.query(`UPDATE articles SET body = 'The word is service, again.' WHERE id = 400`);
  await until('in the next file', async () => (await textOf(400)) === 'The word is service, again.');
});

test('fresh reads, staleness and probes are of MariaDB too', async () => {
  const tracking = await startTracking(both, systemClock, index);
  try {
    const probe = await until('a probe is found', () => foundProbe(both, 'shop'));
    expect(probe.foundAt).toBeGreaterThan(probe.committedAt);
    for (let at = 0; at < 10; at += 1) {
      await both.shop.query(`UPDATE articles SET body = 'The word is fresh${at}.' WHERE id = 400`);
      const after = { source: 'shop', position: await MARIADB.currentPosition(both.shopUrl) };
      const { hits, receipt } = await whenFresh(() =>
        index.search({
          ...{ query: 'the word is fresh', tenant: 'acme', topK: 50 },
          freshness: { after, waitMs: 20_000 },
        }),
      );
      expect(hits.some(({ text }) => text.includes(`fresh${at}.`))).toBe(true);
      expect(receipt.watermarks.shop).toMatchObject({ state: 'known' });
    }
    const first = (await index.watermarks()).shop?.committedAt ?? 0;
    await until(
      'a quiet source moves',
      async () => ((await index.watermarks()).shop?.committedAt ?? 0) > first + 2e6,
    );
  } finally {
    await tracking.stop();
  }
});

test('a row compared with the index makes the same document as its change, whatever the types of its columns', async () => {
  await both.shop.query(`SET time_zone = '+00:00'`);
  await both.shop.query(`INSERT INTO kinds VALUES
    ('a', 18446744073709551557, x'00ff', -3, 1, 65535, 16777215, -7, 4294967295, -9007199254740993, 2026, 52.520008, 0.1, 1234.5, b'1', b'101010101010',
     x'deadbeef', x'c0', x'ff00', 'b', 'a,b', '{"b": [1, 2.50]}', 'c0ffee00-0000-4000-8000-000000000001', '2026-11-21', '14:03:06', '14:03:06.5',
     '2026-11-21 14:03:06', '2026-11-21 14:03:06.12', '2026-11-21 14:03:06', '2026-11-21 14:03:06.000001', 'x'),
    ('b', 7, x'c3a9', 0, 0, 0, 0, 0, 0, 0, 1999, -1.5, 1e300, 0, b'0', b'1', x'00000000', x'', x'', 'a', '', 'null', NULL, '0099-01-01', '00:00:00', '23:59:59.999',
     '1000-01-01 00:00:00', '2026-11-21 00:00:00', '1971-01-01 00:00:00', '2026-11-21 14:03:06', '')`);
  await both.shop.query(`INSERT INTO kinds (word, number, tag) VALUES ('c', 1, '')`);
  const ids = ['18446744073709551557,AP8%3D,a', '7,w6k%3D,b', '1,,c'].map((key) => `shop/shop.kinds/${key}`);
  for (const id of ids) await until('indexed', () => recordOf(id));
  const tracking = await startTracking(both, systemClock, index);
  const scanner = MARIADB.openScan(both.shopUrl);
  try {
    const keys = [
      ['a', 'AP8=', '18446744073709551557'],
      ['b', 'w6k=', '7'],
      ['c', '', '1'],
      ['d', '', '1'],
    ];
    const rows = await scanner.rows('shop.kinds', keys);
    const mapping = both.config.sources.shop?.tables['shop.kinds'];
    for (const [at, id] of ids.entries())
      expect((await recordOf(id))?.text).toBe(mapping?.text(rows[at]?.row ?? {}));
    expect(await scanner.keys('shop.kinds', keys)).toEqual(rows.map(({ key }) => key));
    const first = await scanner.page('shop.kinds', undefined, 2);
    expect([...first, ...(await scanner.page('shop.kinds', first[1]?.key, 2))]).toEqual(rows);
    for (const [table, least] of [
      ['shop.kinds', 3],
      ['shop.articles', 5],
    ] as const) {
      const report = await reconcileTable({
        ...{ source: 'shop', table, scanner, index },
        prepare: comparing(both.config, model),
        currentPosition: () => MARIADB.currentPosition(both.shopUrl),
        pauseMs: 0,
        onProgress: () => undefined,
      });
      expect(report).toMatchObject({ divergent: [], unsettled: [] });
      expect(report.rows).toBeGreaterThanOrEqual(least);
    }
  } finally {
    await scanner.close();
    await tracking.stop();
  }
});

test('a signal reads the table again, beside what changes, and changes nothing that is newer', async () => {
  const place = { source: 'shop', url: both.shopUrl };
  const from = await written();
  const before = await recordOf(shopId(1));
  await MARIADB.signal(place, {
    ...{ id: 'again', type: 'execute-snapshot' },
    data: JSON.stringify({ 'data-collections': ['shop.articles'], type: 'incremental' }),
  });
  const rows = (await both.shop.query<unknown[]>('SELECT id FROM articles')).length;
  await until('read again', async () => (await written()) >= from + rows);
  await until('in stream order', async () => (await recordOf(shopId(1)))?.version !== before?.version);
  expect((await recordOf(shopId(1)))?.text).toBe(before?.text);
  expect(await MARIADB.hasRows(place, 'shop.articles')).toBe(true);
  const observed = await MARIADB.observe(place);
  expect(observed).toMatchObject({ heldFrom: 'binlog.000001:4', discarded: false, retainedBytes: null });
  const [offset] = await both.connect.offsets(both.names.connector);
  expect(MARIADB.lossOf(observed, offset)).toBeUndefined();
  await untilEqual();
});

test('Connect killed: what comes again is superseded, and a deleted row is never back', async () => {
  const { stack } = proxied;
  const [old, short, after] = [900, 901, 902];
  const insert = (id: number, title: string, word: string) =>
    both.shop.query(
      `INSERT INTO articles (id, tenant, title, body) VALUES (${id}, 'acme', '${title}', 'The word is ${word}.')`,
    );
  await insert(old, 'Old', 'madder');
  await until('inserted', async () => (await kindOf(old)) === 'document');
  // Delivered from here on, and Connect killed before it knew.
  proxied.holdOffsets();
  const from = await written();
  await insert(short, 'Short', 'woad');
  await both.shop.query(`UPDATE articles SET body = 'The word is woad, still.' WHERE id = ${short}`);
  await both.shop.query(`DELETE FROM articles WHERE id IN (${old}, ${short})`);
  await until('captured', async () => (await written()) >= from + 4);
  await proxied.killConnect();
  proxied.letPass();
  const kinds = () => Promise.all([kindOf(old), kindOf(short)]);
  await until('deleted', async () => (await kinds()).every((kind) => kind === 'deleted'));
  const watch = startWatch(async () => {
    const now = await kinds();
    return now.every((kind) => kind === 'deleted') ? undefined : `kinds ${now}`;
  });
  const { superseded } = pipeline.counts;
  await stack.startServer('connect');
  await both.untilCapturing();
  await insert(after, 'After', 'weld');
  await until('captured on', async () => (await kindOf(after)) === 'document');
  await untilEqual();
  await watch.stop();
  expect(watch.sightings).toEqual([]);
  expect(pipeline.counts.superseded - superseded).toBeGreaterThanOrEqual(4);
}, 600_000);

test('the database killed and started again: captured on', async () => {
  await proxied.stack.killServer('mariadb');
  await proxied.stack.startServer('mariadb');
  const shop = await both.openShop();
  await shop.query(
    `INSERT INTO shop.articles (id, tenant, title, body) VALUES (950, 'acme', 'Back', 'The word is back.')`,
  );
  await shop.end();
  await until(
    'captured on',
    async () => {
      // What the pipeline role's supervision does.
      await both.connect.restartFailed(both.names.connector).catch(() => undefined);
      return (await kindOf(950)) === 'document';
    },
    { every: 500 },
  );
}, 360_000);

test('TRUNCATE empties the table in the index, and rows after it stay', async () => {
  const shop = await both.openShop();
  await shop.query('TRUNCATE shop.articles');
  await shop.query(
    `INSERT INTO shop.articles (id, tenant, title, body) VALUES (1, 'acme', 'Anew', 'The word is anew.')`,
  );
  await shop.end();
  await until('the new row', async () => (await textOf(1)) === 'The word is anew.');
  await until('the old rows are gone', async () => (await kindOf(2)) !== 'document');
  const kept = await Promise.all([300, 301, 400, 902, 950].map(kindOf));
  expect(kept.filter((kind) => kind === 'document')).toEqual([]);
  expect(await recordOf('twin/public.articles/2')).toMatchObject({ kind: 'document' });
  await until('every change is counted once', async () => {
    const shopEnd = await written();
    const twinEnds = await both.kafka.admin.offsets('cdc.twin');
    const all = shopEnd + twinEnds.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0);
    return total(pipeline.counts) === all;
  });
  expect([...pipeline.failures, ...index.failures]).toEqual([]);
});
