import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectorHealth } from '../../../connectors/debezium/connector-health-state.ts';
import { superviseConnector } from '../../../connectors/debezium/supervise-connector.ts';
import { parseLsn, reachedLsn } from '../../../connectors/sources/postgres/postgres-position.ts';
import { type ProxiedConnect, startWithProxiedConnect } from '../../support/proxied-connect.ts';
import { until } from '../../support/until.ts';
import type { Captured } from './captured.ts';
import { openSource } from './source-under-test.ts';

type Source = Awaited<ReturnType<typeof openSource>>;
type Capture = Awaited<ReturnType<Source['capture']>>;
let proxied: ProxiedConnect;
let stack: ProxiedConnect['stack'];
let source: Source;
let capture: Capture;
const healths: { readonly health: ConnectorHealth; readonly restarting: boolean }[] = [];
let stopSupervising = async (): Promise<void> => undefined;

beforeAll(async () => {
  proxied = await startWithProxiedConnect({ servers: ['kafka', 'schemaRegistry', 'connect', 'postgres'] });
  ({ stack } = proxied);
  source = await openSource(stack, 'faults');
  await source.connect.putConnector(source.names.connector, source.config);
  capture = await source.capture();
  await source.untilRunning();
  const supervision = superviseConnector({
    connect: source.connect,
    connector: source.names.connector,
    everyMs: 300,
    onHealth: (health, restarting) => healths.push({ health, restarting }),
  });
  stopSupervising = supervision.stop;
});

afterAll(async () => {
  await stopSupervising();
  await capture?.close();
  await source?.client.end();
  await proxied?.close();
});

const position = ({ value }: Captured): string => {
  const { sequence, lsn } = value.source as { readonly sequence: string; readonly lsn: bigint };
  return `${sequence} ${lsn}`;
};
const titled = (title: string) => (record: Captured) =>
  (record.value.after as { readonly title?: string } | null)?.title === title;

/** What Connect has flushed lies behind everything that was written before. */
const untilFlushed = async (): Promise<void> => {
  const { rows } = await source.client.query<{ end: string }>('SELECT pg_current_wal_lsn()::text AS end');
  const [end = 0n] = parseLsn(rows[0]?.end ?? '');
  await until('flushed', async () => {
    const [offset] = await source.connect.offsets(source.names.connector);
    return offset && (reachedLsn(offset) ?? 0n) > end;
  });
};

test('Connect killed: nothing is lost, and what comes again has its old position', async () => {
  const insert = (id: number, title: string) =>
    `INSERT INTO articles (tenant, id, title) VALUES ('acme', ${id}, '${title}')`;
  await source.client.query(insert(1, 'before'));
  const [early, late] = await Promise.all([source.connectClient(), source.connectClient()]);
  await early.query(`BEGIN; ${insert(2, 'open, committed before the crash')}`);
  await late.query(`BEGIN; ${insert(3, 'open across the crash')}`);
  // Heartbeats pass and their positions are flushed, all of them higher than those of the open rows.
  await untilFlushed();
  proxied.holdOffsets();
  await early.query('COMMIT');
  await source.client.query(insert(4, 'after the flush'));
  await capture.until((seen) => seen.some(titled('after the flush')));
  await proxied.killConnect();
  proxied.letPass();
  await late.query('COMMIT');
  await stack.startServer('connect');
  await source.untilRunning();
  const seen = await capture.until(
    (all) => all.some(titled('open across the crash')) && all.filter(titled('after the flush')).length > 1,
  );
  for (const title of ['open, committed before the crash', 'after the flush']) {
    const twice = seen.filter(titled(title));
    expect(twice.length).toBe(2);
    expect(new Set(twice.map(position)).size).toBe(1);
    expect(new Set(twice.map(({ offset }) => offset)).size).toBe(2);
  }
  await Promise.all([early.end(), late.end()]);
});

test('a FAILED task is restarted until it works', async () => {
  await stack.killServer('schemaRegistry');
  await source.client.query('ALTER TABLE articles ADD COLUMN summary text');
  await source.client.query(
    `INSERT INTO articles (tenant, id, title) VALUES ('acme', 20, 'needs a new schema')`,
  );
  await until('it failed', () => healths.some(({ restarting }) => restarting));
  await stack.startServer('schemaRegistry');
  await capture.until((seen) => seen.some(titled('needs a new schema')));
  expect(healths.find(({ restarting }) => restarting)?.health).toMatchObject({ kind: 'failed' });
});

test('the database killed: captured on once it is back', async () => {
  await stack.killServer('postgres');
  await stack.startServer('postgres');
  const client = await source.connectClient();
  await client.query(`INSERT INTO articles (tenant, id, title) VALUES ('acme', 30, 'after the database')`);
  await client.end();
  await capture.until((seen) => seen.some(titled('after the database')));
});

test('Kafka killed: captured on once it is back', async () => {
  const client = await source.connectClient();
  await stack.killServer('kafka');
  await client.query(`INSERT INTO articles (tenant, id, title) VALUES ('acme', 40, 'while Kafka was away')`);
  await client.end();
  await stack.startServer('kafka');
  await capture.until((seen) => seen.some(titled('while Kafka was away')));
});
