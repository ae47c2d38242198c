/** `freshet source` as an operator runs it: the command, the gateway's routes, the topic, the watch, Connect, and back. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { addSourceCommand } from '../../cli/commands/source.ts';
import type { SourceReport } from '../../cli/commands/source-report.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { Row } from '../../schemas/config.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type GatewayUnderTest, startGatewayUnderTest } from '../gateway/gateway-under-test.ts';
import { auditOf } from '../support/audit-of.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { runCommand } from '../support/run-command.ts';
import { until } from '../support/until.ts';
import { watchPlane } from '../support/watched-source.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCE = 'operated';
const TABLE = 'public.articles';
let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let watch: Awaited<ReturnType<typeof watchPlane>>;
let under: GatewayUnderTest;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  plane = await openDataPlane(inject('stack'), SOURCE);
  await plane.client.query(
    `INSERT INTO articles SELECT n, 'acme', 'Article ' || n, 'a', 'Row ' || n FROM generate_series(1, 20) AS n`,
  );
  pipeline = await startPipeline(plane, folder.path);
  watch = await watchPlane(plane);
  under = await startGatewayUnderTest({ sources: plane.config.sources });
  await watch.untilStreaming(1);
});

afterAll(async () => {
  await under?.close();
  await watch?.stop();
  await pipeline?.stop();
  await plane?.close();
  await folder?.remove();
});

const freshet = (...words: readonly string[]) =>
  new Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>((resolve) => {
    const env = { ...process.env, FRESHET_ROOT: folder.path, FRESHET_GATEWAY: under.gateway.url };
    const child = spawn(process.execPath, ['cli/freshet.mjs', 'source', ...words], { cwd: PROJECT, env });
    let [out, err] = ['', ''];
    child.stdout.on('data', (bytes) => (out += String(bytes)));
    child.stderr.on('data', (bytes) => (err += String(bytes)));
    child.once('close', (code) => resolve({ code, out, err }));
  });

/** In this process: it is asked again and again, and a process takes most of a second to start. */
const status = async (): Promise<SourceReport> => {
  const words = ['source', 'status', '--json'];
  const { stdout, stderr } = await runCommand(addSourceCommand, { gateway: under.gateway.url }, words);
  expect(stderr).toBe('');
  const report = (JSON.parse(stdout) as readonly SourceReport[]).find((each) => each.source === SOURCE);
  if (!report) throw new Error('the source is not there');
  return report;
};

test('list and status say what there is and how it stands', async () => {
  const listed = await freshet('list', '--json');
  expect(JSON.parse(listed.out)).toContainEqual({ name: SOURCE, kind: 'postgres', tables: [TABLE] });
  await until('the gateway has read it', async () => (await status()).state === 'streaming');
  expect(await status()).toMatchObject({
    source: SOURCE,
    epoch: 1,
    connector: 'running',
    lag: { seconds: expect.any(Number) },
    retainedWalBytes: expect.any(Number),
    tables: [{ table: TABLE, state: 'live', reason: null }],
  });
  expect(await freshet('status')).toMatchObject({
    code: 0,
    out: expect.stringContaining('streaming'),
    err: '',
  });
});

test('a source is paused with a reason, and resumed where it stopped', async () => {
  const paused = await freshet('pause', SOURCE, '--reason', 'a migration');
  expect(paused).toMatchObject({ code: 0, out: `${SOURCE}: paused\n` });
  expect(await status()).toMatchObject({ state: 'paused', reason: 'paused by local: a migration' });
  expect(await freshet('resume', SOURCE)).toMatchObject({ code: 0, out: `${SOURCE}: streaming\n` });
  expect(await auditOf(SOURCE)).toMatchObject([
    { action: 'source pause', by: 'local', reason: 'a migration' },
    { action: 'source resume', by: 'local', reason: null },
  ]);
});

test('a table is paused, refuses a snapshot meanwhile, and is read again when it is resumed', async () => {
  expect(await freshet('pause', SOURCE, '--tables', TABLE)).toMatchObject({ code: 0 });
  const refused = await freshet('snapshot', SOURCE, '--tables', TABLE);
  expect(refused.code).toBe(5);
  expect(refused.err).toContain(`freshet source resume ${SOURCE} --tables ${TABLE}`);
  const resumed = await freshet('resume', SOURCE, '--tables', TABLE);
  expect(resumed).toMatchObject({ code: 0, out: `${TABLE}: live\n` });
});

test('a snapshot waits until all is read and swept', async () => {
  const before = await status();
  const dry = await freshet('snapshot', SOURCE, '--dry-run', '--json');
  expect(JSON.parse(dry.out)).toEqual({ source: SOURCE, action: 'snapshot', tables: [TABLE], asked: false });
  const snapshots = async () =>
    (await auditOf(`${SOURCE}/${TABLE}`)).filter(({ action }) => action === 'source snapshot');
  expect(await snapshots()).toEqual([]);
  const done = await freshet('snapshot', SOURCE, '--tables', TABLE);
  expect(await snapshots()).toHaveLength(1);
  expect(done).toMatchObject({ code: 0, out: `${TABLE}: live\n` });
  const after = await status();
  expect(after.tables[0]?.since).not.toBe(before.tables[0]?.since);
  expect(after.epoch).toBe(1);
});

test('what is not there is said, with its exit code', async () => {
  expect(await freshet('pause', 'nobody')).toMatchObject({ code: 3, err: expect.stringContaining('nobody') });
  const table = await freshet('snapshot', SOURCE, '--tables', 'public.nothing');
  expect(table).toMatchObject({ code: 3, err: expect.stringContaining(`it has ${TABLE}`) });
});

test('a mapping that was changed makes every document anew at the next start', async () => {
  const titles = async (): Promise<readonly string[]> => {
    const newest = new Map<string, string>();
    await scanTopic(plane.kafka, { topic: TOPICS.documents.name }, async ({ key, value }) => {
      if (!key?.toString().startsWith(`${SOURCE}/`)) return;
      const { title, kind } = await plane.codec.decode('Document', value);
      if (kind === 'document') newest.set(key.toString(), title);
    });
    return [...newest.values()];
  };
  expect((await titles()).every((title) => title.startsWith('Article '))).toBe(true);
  await watch.stop();
  await pipeline.stop();
  const { [SOURCE]: captured } = plane.config.sources;
  const mapping = captured?.tables[TABLE];
  if (!captured || !mapping) throw new Error('the table is mapped');
  const tables = { [TABLE]: { ...mapping, title: (row: Row) => `Another ${row.id}` } };
  const changed = { ...plane, config: { ...plane.config, sources: { [SOURCE]: { ...captured, tables } } } };
  pipeline = await startPipeline(changed, folder.path);
  watch = await watchPlane(changed);
  const said = () =>
    watch.states.flatMap((each) => each.tables.map(({ state, reason }) => `${state} ${reason}`));
  await until('read again', () => said().at(-1) === 'live null' && said().length > 1);
  expect(said()).toContain('snapshotting its mapping was changed');
  const all = await titles();
  expect(all).toHaveLength(20);
  expect(all.every((title) => title.startsWith('Another '))).toBe(true);
});
