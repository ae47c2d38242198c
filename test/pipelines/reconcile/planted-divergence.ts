/** Reconcile: three kinds of divergence planted among rows that keep changing are found, exactly those, and mended. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { addIndexCommands } from '../../../cli/commands/index-command.ts';
import { compareIndex } from '../../../cli/compare-index.ts';
import { serveIndex } from '../../../connectors/index-service/index-server.ts';
import { EmbeddingCache } from '../../../connectors/models/embedding/embedding-cache.ts';
import { createHashEmbeddingModel } from '../../../connectors/models/embedding/hash-embedding-model.ts';
import { POSTGRES } from '../../../connectors/sources/postgres/postgres-kind.ts';
import { openPostgresScan } from '../../../connectors/sources/postgres/scan-postgres.ts';
import { createMetrics } from '../../../connectors/telemetry/metrics.ts';
import { floorRecord } from '../../../pipelines/index-documents/document-records.ts';
import {
  type Divergent,
  reconcileTable,
  type TableReport,
} from '../../../pipelines/reconcile/reconcile-table.ts';
import { repairDocuments } from '../../../pipelines/reconcile/repair-documents.ts';
import { systemClock } from '../../../schemas/clock.ts';
import { documentIdOf } from '../../../schemas/document-id.ts';
import { initialLanes } from '../../../schemas/model-lanes.ts';
import type { Document } from '../../../schemas/records.ts';
import { PARTITIONS, TOPICS } from '../../../schemas/topics.ts';
import { isVersion, makeVersion, repairVersion, type Version } from '../../../schemas/version.ts';
import { startGatewayUnderTest } from '../../gateway/gateway-under-test.ts';
import { auditOf } from '../../support/audit-of.ts';
import { comparing } from '../../support/comparing.ts';
import { type DataPlane, openDataPlane } from '../../support/indexed-source.ts';
import { startTracking } from '../../support/plane-freshness.ts';
import { startIndex, startPipeline, temporaryFolder } from '../../support/plane-roles.ts';
import { untilEqual } from '../../support/plane-state.ts';
import { runCommand } from '../../support/run-command.ts';
import { until } from '../../support/until.ts';

const TABLE = 'public.articles';
const WRITES_A_SECOND = 50;
const model = createHashEmbeddingModel();

/** Of a table with so many rows, in a source of that name. */
export const describePlantedDivergence = (source: string, rows: number): void => {
  let plane: DataPlane;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let pipeline: Awaited<ReturnType<typeof startPipeline>>;
  let index: Awaited<ReturnType<typeof startIndex>>;
  let tracker: Awaited<ReturnType<typeof startTracking>>;

  const id = (key: number): string => documentIdOf(source, TABLE, { id: key });

  beforeAll(async () => {
    folder = await temporaryFolder();
    plane = await openDataPlane(inject('stack'), source);
    await plane.client.query(`
    INSERT INTO articles (id, tenant, title, category, body)
    SELECT n, 'acme', 'Article ' || n, 'seed', 'The word of article ' || n || ' is seed' || n || '.'
    FROM generate_series(1, ${rows}) AS n`);
    pipeline = await startPipeline(plane, folder.path);
    index = await startIndex(plane, folder.path);
    tracker = await startTracking(plane);
    await plane.capture();
    const isThere = async (): Promise<boolean> => {
      let there = 0;
      for await (const _ of index.list(source, TABLE)) there += 1;
      return there >= rows;
    };
    await until('all rows are there', isThere, { within: 600_000, every: 500 });
  }, 900_000);

  afterAll(async () => {
    await tracker?.stop();
    await pipeline?.stop();
    await index?.stop();
    await plane?.close();
    await folder?.remove();
  });

  const repair = (divergents: readonly Divergent[]): Promise<number> =>
    repairDocuments(
      {
        source,
        table: TABLE,
        epoch: 1,
        readAt: systemClock(),
        prepare: comparing(plane.config, model),
        embed: { embedding: new EmbeddingCache({ model, maxBytes: 1_000_000 }), model, clock: systemClock },
        index,
        writer: plane.writer,
        codec: plane.codec,
      },
      divergents,
    );

  const verify = async (mending?: { readonly repair: typeof repair }): Promise<TableReport> => {
    const scanner = openPostgresScan(plane.url);
    try {
      return await reconcileTable({
        source,
        table: TABLE,
        scanner,
        index,
        prepare: comparing(plane.config, model),
        currentPosition: () => POSTGRES.currentPosition(plane.url),
        pauseMs: 0,
        onProgress: () => undefined,
        ...mending,
      });
    } finally {
      await scanner.close();
    }
  };

  /** Writes to rows that no divergence is planted in, until told to stop. */
  const writeOn = () => {
    let stopped = false;
    const running = (async () => {
      let made = 0;
      for (; !stopped; made += 1) {
        const key = 1_000 + ((made * 37) % (rows - 1_000));
        const kind = made % 10;
        if (kind === 0) await plane.client.query('DELETE FROM articles WHERE id = $1', [key]);
        else
          await plane.client.query(
            `INSERT INTO articles (id, tenant, title, body) VALUES ($1, 'acme', 'Article', $2)
           ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
            [key, `Change ${made} of ${key}.`],
          );
        await sleep(1_000 / WRITES_A_SECOND);
      }
      return made;
    })();
    return {
      stop: () => {
        stopped = true;
        return running;
      },
    };
  };

  /** Writes to the log what nothing in the source says, as a lost or doubled change would leave it. */
  const plant = async (key: number, change: (record: Document) => Document): Promise<void> => {
    const traced = await index.document(id(key > rows ? 1 : key));
    if (!traced || !isVersion(traced.record.version)) throw new Error(`no document ${key}`);
    const whole = { ...traced.record, chunks: [] } as unknown as Document;
    const record = { ...change(whole), version: repairVersion(traced.record.version as Version) };
    await plane.writer.append([
      {
        topic: TOPICS.documents.name,
        partition: traced.partition,
        key: record.documentId,
        value: plane.codec.encode('Document', record),
      },
    ]);
    await until(
      'planted',
      async () => (await index.document(record.documentId))?.record.version === record.version,
    );
  };

  /** A row that no change was ever captured of, in a table with a floor, as after a snapshot that was swept. */
  const neverCaptured = async (key: number): Promise<void> => {
    const publication = plane.names.publication;
    await plane.client.query(`ALTER PUBLICATION ${publication} DROP TABLE articles`);
    await plane.client.query(
      `INSERT INTO articles (id, tenant, title, body) VALUES (${key}, 'acme', 'Lost', 'The word is lost.')`,
    );
    await plane.client.query(`ALTER PUBLICATION ${publication} ADD TABLE articles`);
    const timing = {
      committedAt: 0,
      capturedAt: 0,
      inKafkaAt: 0,
      gatedAt: 0,
      embeddedAt: 0,
      basis: 'none',
    } as const;
    const change = { table: TABLE, version: makeVersion(1, [0n, 2n]) };
    const floor = floorRecord({
      source,
      change,
      timing,
      position: { topic: plane.topic, partition: 0, offset: 0 },
    });
    await plane.writer.append(
      Array.from({ length: PARTITIONS }, (_, partition) => ({
        topic: TOPICS.documents.name,
        partition,
        key: floor.documentId,
        value: plane.codec.encode('Document', floor),
      })),
    );
    await until('the floor is there', async () => (await index.floor(source, TABLE)) === floor.version);
  };

  /** `url`: of the index role. */
  const verifyOverHttp = async (url: string): Promise<void> => {
    await plant(42, (record) => ({ ...record, text: 'Another text.' }));
    const { config, kafka, codec, writer } = plane;
    const under = await startGatewayUnderTest({
      compare: (asked) =>
        compareIndex(
          { config, kafka, codec, writer, index: url, models: '', urlOf: () => plane.url, pauseMs: 0 },
          asked,
        ),
    });
    const verify = async (body: object): Promise<readonly Record<string, unknown>[]> => {
      const response = await fetch(`${under.gateway.url}/v1/index/verify`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
        body: JSON.stringify(body),
      });
      const lines = (await response.text()).trim().split('\n');
      return lines.map((each) => JSON.parse(each));
    };
    try {
      const different = [{ documentId: id(42), divergence: 'different' }];
      const dry = await verify({ source, repair: true, dryRun: true });
      expect(dry.at(-2)).toMatchObject({
        report: { source, table: TABLE, divergent: different, repaired: 0 },
      });
      expect(dry.at(-1)).toEqual({ done: true, divergent: 1, repaired: 0, unsettled: 0, dryRun: true });
      expect(await auditOf(id(42))).toEqual([]);
      const mended = await verify({ repair: true, reason: 'planted' });
      expect(mended.at(-1)).toEqual({ done: true, divergent: 0, repaired: 1, unsettled: 0 });
      expect(await auditOf(id(42))).toMatchObject([
        { action: 'index repair', by: 'local', reason: 'planted', targets: [id(42)] },
      ]);
      expect(await verify({ source: 'nobody-s' })).toMatchObject([{ status: 404, code: 'not-found' }]);
    } finally {
      await under.close();
    }
  };

  test('finds nothing where nothing is, while the source is written to', async () => {
    const load = writeOn();
    const report = await verify();
    const made = await load.stop();
    expect(made).toBeGreaterThan(0);
    expect(report.divergent).toEqual([]);
    expect(report.unsettled).toEqual([]);
    // One change in ten is a delete.
    expect(report.rows).toBeGreaterThanOrEqual(rows - Math.ceil(made / 10));
  }, 600_000);

  test('finds exactly what was planted, under writes, and mends only that', async () => {
    for (const key of [11, 12, 13]) await plant(key, (record) => ({ ...record, kind: 'deleted', text: '' }));
    for (const key of [21, 22]) await plant(key, (record) => ({ ...record, text: 'Another text.' }));
    const extra = id(rows + 77);
    await plant(rows + 77, (record) => ({ ...record, documentId: extra }));
    await neverCaptured(rows + 99);
    const load = writeOn();
    const before = (await index.document(id(31)))?.offset;
    const report = await verify({ repair });
    const found = Object.fromEntries(report.divergent.map((each) => [each.documentId, each.divergence]));
    expect(found).toEqual({
      [id(11)]: 'missing',
      [id(12)]: 'missing',
      [id(13)]: 'missing',
      [id(21)]: 'different',
      [id(22)]: 'different',
      [extra]: 'extra',
      [id(rows + 99)]: 'missing',
    });
    expect(report.repaired).toBe(7);
    // A later change of a mended row wins over the repair.
    await plane.client.query(`UPDATE articles SET body = 'Changed after the repair.' WHERE id = 11`);
    await until(
      'the change came',
      async () => (await index.document(id(11)))?.record.text === 'Changed after the repair.',
    );
    expect((await verify()).divergent).toEqual([]);
    await load.stop();
    expect((await index.document(id(31)))?.offset).toBe(before);
    expect((await index.document(id(12)))?.record.text).toBe('The word of article 12 is seed12.');
    await untilEqual(plane, index);
  }, 600_000);

  test('as a command and over HTTP: a dry run mends nothing, a repair stands on freshet.audit before it is made', async () => {
    await plant(41, (record) => ({ ...record, text: 'Another text.' }));
    const config = join(folder.path, 'verified.config.ts');
    const settings = new URL('../../support/plane.config.ts', import.meta.url).href;
    await writeFile(
      config,
      `import { planeConfig } from '${settings}';\nexport default planeConfig('${source}');\n`,
    );
    const lanes = async () => ({ wanted: initialLanes(model.id), answering: model.id, lanes: [] });
    const measure = () => Promise.reject(new Error('there is one model'));
    const server = await serveIndex(
      { ...index, lanes, measure },
      { role: 'index', notReady: () => null, metrics: createMetrics('index').registry },
    );
    const { kafka, schemaRegistry } = inject('stack');
    const run = {
      ...{ kafka, schemaRegistry: `${schemaRegistry}/apis/ccompat/v7`, index: server.url, config },
      sources: { [source]: plane.url },
    };
    const verify = (...words: readonly string[]) =>
      runCommand((freshet, surroundings) => addIndexCommands(freshet.command('index'), surroundings), run, [
        ...['index', 'verify', '--repair', ...words],
      ]);
    try {
      const dry = await verify('--dry-run');
      expect(dry.stdout).toContain(`different  ${id(41)}`);
      expect(dry.stderr).toContain('would mend 1 documents');
      expect(await auditOf(id(41))).toEqual([]);
      expect((await verify('--reason', 'planted')).stdout).toContain('1 mended');
      expect(await auditOf(id(41))).toMatchObject([
        { action: 'index repair', by: 'local', reason: 'planted', targets: [id(41)] },
      ]);
      await verifyOverHttp(server.url);
    } finally {
      await server.close();
    }
  }, 600_000);
};
