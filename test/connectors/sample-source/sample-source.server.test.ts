import { connect, createServer, type Server, type Socket } from 'node:net';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { loadSampleSource } from '../../../connectors/sample-source/load-sample-source.ts';
import { sampleQuestions } from '../../../connectors/sample-source/sample-questions.ts';
import { type EditorChange, startEditor } from '../../../connectors/sample-source/start-editor.ts';
import { until } from '../../support/until.ts';

const database = `sample_source_${process.pid}`;
const adminUrl = inject('stack').postgres.url;
const sourceUrl = new URL(adminUrl);
sourceUrl.pathname = `/${database}`;
const url = sourceUrl.href;
const client = new Client({ connectionString: url });

const asAdmin = async (statement: string): Promise<void> => {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(statement);
  await admin.end();
};

const number = async (statement: string): Promise<number> => {
  const { rows } = await client.query<{ value: string }>(`SELECT (${statement}) AS value`);
  return Number(rows[0]?.value);
};

const allRows =
  '(SELECT count(*) FROM articles) + (SELECT count(*) FROM products) + (SELECT count(*) FROM incidents)';

beforeAll(async () => {
  await asAdmin(`CREATE DATABASE ${database}`);
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await asAdmin(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
});

test('loading fills three tables, says how far it is, and can be repeated', async () => {
  const progress: number[] = [];
  const first = await loadSampleSource({
    url,
    rows: 1_200,
    seed: 7,
    onProgress: ({ done }) => progress.push(done),
  });
  expect(first).toEqual({ inserted: 1_200, seed: 7, rows: 1_200, longDocumentId: 1 });
  expect(progress).toEqual([500, 1_000, 1_200]);
  expect(await number('SELECT count(*) FROM articles')).toBe(840);
  expect(await number('SELECT count(*) FROM products')).toBe(120);
  expect(await number('SELECT count(*) FROM incidents')).toBe(240);

  await client.query('DELETE FROM articles WHERE id = 100');
  expect(await loadSampleSource({ client, rows: 1_200, seed: 99 })).toMatchObject({ inserted: 0, seed: 7 });
  expect(await number('SELECT count(*) FROM articles WHERE id = 100')).toBe(0);
});

test('a larger load adds the difference, and a row inserted by hand gets a free id', async () => {
  await client.query(
    `INSERT INTO articles (tenant, title, category, body) VALUES ('osterby', 'By hand', 'setup', 'Text')`,
  );
  const grown = await loadSampleSource({ client, rows: 2_000, seed: 7 });
  // The id of the row made by hand was taken: that article of the sample is left out.
  expect(grown).toMatchObject({ inserted: 799, rows: 2_000 });
  expect(await number(`SELECT count(*) FROM articles WHERE title = 'By hand'`)).toBe(1);
});

test('fifty changes a second arrive at that rate, of every kind, and leave the labelled questions true', async () => {
  const changes: EditorChange[] = [];
  const before = await number(allRows);
  let begun = 0;
  let lastAt = 0;
  const editor = startEditor({
    url,
    changesPerSecond: 50,
    seed: 7,
    onChange: (change) => {
      lastAt = performance.now();
      changes.push(change);
    },
  });
  const total = (): number => changes.length + editor.counts().missed + editor.counts().skipped;
  const kinds = ['insert', 'update-text', 'update-other', 'delete', 'long-document'] as const;
  await until('it is connected', () => editor.counts().connections === 1);
  begun = performance.now();
  await until(
    'changes of every kind, and many',
    () => total() >= 150 && kinds.every((kind) => editor.counts()[kind] > 0),
  );
  await editor.stop();
  await editor.stop();
  const counts = editor.counts();
  expect(counts).toMatchObject({ failed: 0, connections: 1 });
  // By the time that it had, to the last of them: a busy machine is late with some, and gives up what is late by more than a second.
  const due = ((lastAt - begun) / 1_000) * 50;
  expect(total()).toBeGreaterThan(due / 2);
  expect(total()).toBeLessThan(due + 60);
  for (const kind of kinds)
    expect(changes.filter((change) => change.kind === kind)).toHaveLength(counts[kind]);
  expect(await number(allRows)).toBe(before + counts.insert - counts.delete);
  for (const { rows, sentence } of sampleQuestions({ seed: 7, count: 200, rows: 2_000 })) {
    for (const { table, id } of rows) {
      const column = { articles: 'body', products: 'summary', incidents: 'description' }[table];
      const { rows: found } = await client.query<{ text: string }>(
        `SELECT ${column} AS text FROM ${table} WHERE id = $1`,
        [id],
      );
      if (table === 'articles' && id === 841) continue; // the row made by hand
      expect(found[0]?.text).toContain(sentence);
    }
  }
});

test('a lost connection is made anew and never ends the process', async () => {
  const problems: string[] = [];
  const editor = startEditor({
    url,
    changesPerSecond: 50,
    seed: 8,
    onProblem: (error) => problems.push(error.code),
  });
  await until('it changes rows', () => editor.counts()['update-text'] > 3);
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'freshet-sample-source' AND datname = current_database()`,
  );
  const done = editor.counts()['update-text'];
  await until(
    'it goes on',
    () => editor.counts().connections === 2 && editor.counts()['update-text'] > done + 3,
  );
  await editor.stop();
  expect(problems).toEqual(['source-unavailable']);
});

test('a database that is away and one that falls silent hold back neither the process nor stop()', async () => {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let silent = false;
  let asked = 0;
  const open = (): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer((near) => {
        asked += 1;
        const far = connect(Number(target.port), target.hostname);
        near.on('data', (bytes) => {
          if (!silent) far.write(bytes);
        });
        far.pipe(near);
        for (const socket of [near, far]) {
          sockets.add(socket);
          socket.on('error', () => undefined);
          socket.on('close', () => {
            near.destroy();
            far.destroy();
          });
        }
      });
      server.listen(0, '127.0.0.1', () => resolve(server));
    });
  const server = await open();
  const address = server.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = port;

  const editor = startEditor({ url: through.href, changesPerSecond: 100, seed: 9 });
  await until('it changes rows', () => editor.counts()['update-text'] > 3);
  silent = true;
  const connecting = startEditor({ url: through.href, changesPerSecond: 100, seed: 9 });
  await until('it is asked for a connection', () => asked === 2);
  const started = Date.now();
  // Neither change nor connection would ever be answered.
  await Promise.all([editor.stop(), connecting.stop()]);
  expect(Date.now() - started).toBeGreaterThan(1_000);
  expect(editor.counts()).toMatchObject({ failed: 1, connections: 1 });
  expect(connecting.counts()).toMatchObject({ failed: 1, connections: 0 });

  const later = startEditor({ url: through.href, changesPerSecond: 100, seed: 9 });
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  await until('it tries again and again', () => later.counts().failed >= 2);
  await later.stop();
  expect(later.counts()).toMatchObject({ connections: 0 });
});

test('a rate that is no rate is refused at once', () => {
  for (const changesPerSecond of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => startEditor({ url, changesPerSecond, seed: 1 })).toThrow(/changes per second/);
  }
});
