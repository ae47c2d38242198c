/** `freshet init` on real databases: one that is ready, and one that fails each check; what is written typechecks and runs. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConnection } from 'mariadb';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { loadConfig } from '../../../cli/load-config.ts';
import { openConnectApi } from '../../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../../connectors/debezium/connector-config.ts';
import { createKafkaJsClient } from '../../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { openRecordCodec } from '../../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../../connectors/registry/schema-registry.ts';
import { MARIADB } from '../../../connectors/sources/mariadb/mariadb-kind.ts';
import { POSTGRES } from '../../../connectors/sources/postgres/postgres-kind.ts';
import { sourceTopics } from '../../../connectors/sources/source-kinds.ts';
import { findMariaDb } from '../../../connectors/stack/find-commands.ts';
import { freePorts } from '../../../connectors/stack/ports.ts';
import type { ServerCommand } from '../../../connectors/stack/server-command.ts';
import { startServerProcess } from '../../../connectors/stack/server-process.ts';
import { mariadbServer, mariadbUrl } from '../../../connectors/stack/servers/mariadb-server.ts';
import { outsideFolders } from '../../../connectors/stack/servers/postgres-folders.ts';
import { postgresServer } from '../../../connectors/stack/servers/postgres-server.ts';
import { serverPassword } from '../../../connectors/stack/servers/server-password.ts';
import { startWatchdog } from '../../../connectors/stack/watchdog.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { captureSources } from '../../support/capture-sources.ts';
import { startTestStack, type TestStack } from '../../support/own-stack.ts';
import { startIndex, startPipeline } from '../../support/plane-roles.ts';
import { until } from '../../support/until.ts';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
let folder: string;
let admin: Client;
let url: string;
let maria: TestStack;

const DATABASE = `
CREATE TABLE articles (id bigint PRIMARY KEY, org_id text NOT NULL, title varchar(200) NOT NULL, body text, status text, tags text[],
  extra jsonb, at timestamptz, price numeric(10, 2), "odd name" text);
INSERT INTO articles (id, org_id, title, body) VALUES (1, 'acme', 'First', 'The word is quince.'), (2, 'acme', 'Second', NULL);
CREATE TABLE customers (id uuid PRIMARY KEY, name text NOT NULL, email text, notes text);
CREATE TABLE article_tags (article_id bigint, tag_id bigint, PRIMARY KEY (article_id, tag_id));
CREATE TABLE schema_migrations (version text PRIMARY KEY);`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'freshet-init-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const { postgres } = inject('stack');
  admin = new Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query('CREATE DATABASE init_shop');
  url = postgres.url.replace(/postgres$/, 'init_shop');
  await ask(url, DATABASE);
  maria = await startTestStack({ servers: ['mariadb'] });
});

afterAll(async () => {
  await maria?.stop();
  await admin?.end();
  await rm(folder, { recursive: true, force: true });
});

const ask = async (at: string, sql: string): Promise<void> => {
  const client = new Client({ connectionString: at });
  await client.connect();
  await client.query(sql).finally(() => client.end());
};

const askMaria = async (...statements: readonly string[]): Promise<void> => {
  const at = new URL(maria.mariadb?.url ?? '');
  const connection = await createConnection({
    ...{ host: at.hostname, port: Number(at.port), user: at.username, password: at.password },
  });
  for (const statement of statements) await connection.query(statement);
  await connection.end();
};

const run = (command: string, words: readonly string[]) =>
  new Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>((resolve) => {
    const child = spawn(command, words, { cwd: PROJECT, env: { ...process.env, FRESHET_ROOT: folder } });
    let [out, err] = ['', ''];
    child.stdout.on('data', (bytes) => (out += String(bytes)));
    child.stderr.on('data', (bytes) => (err += String(bytes)));
    child.once('close', (code) => resolve({ code, out, err }));
  });
const init = (source: string, ...words: readonly string[]) =>
  run(process.execPath, ['cli/freshet.mjs', 'init', '--source', source, ...words]);

/** tsc as the project runs it, on this file alone. */
const typecheck = async (file: string): Promise<string> => {
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(PROJECT, 'tsconfig.json'),
      compilerOptions: { typeRoots: [join(PROJECT, 'node_modules/@types')] },
      include: [file],
    }),
  );
  const { code, out } = await run(join(PROJECT, 'node_modules/.bin/tsc'), ['-p', folder]);
  return code === 0 ? '' : out;
};

interface Said {
  readonly findings: readonly {
    readonly check: string;
    readonly ok: boolean;
    readonly said: string;
    readonly change?: string;
  }[];
  readonly tables: readonly { readonly name: string; readonly tenant: string | null }[];
  readonly leftOut: readonly { readonly table: string }[];
}
const changesOf = (out: string): readonly string[] =>
  (JSON.parse(out) as Said).findings.filter(({ ok }) => !ok).map(({ change }) => change ?? '');

test('a database that is ready: its configuration typechecks, and what it maps is captured and indexed', async () => {
  const file = join(folder, 'shop.config.ts');
  const first = await init(url, '--config', 'shop.config.ts');
  expect(first).toMatchObject({ code: 0, out: expect.stringContaining('public.articles') });
  expect(first.err).toContain('npm start -- --config shop.config.ts');
  expect((await stat(file)).mode & 0o077).toBe(0);
  expect(await typecheck(file)).toBe('');
  const config = await loadConfig(file);
  expect(config.localTenant).toBe('acme');
  expect(Object.keys(config.sources['init-shop']?.tables ?? {})).toEqual([
    'public.articles',
    'public.customers',
  ]);

  const stack = inject('stack');
  const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'test-init' });
  await kafka.admin.createTopics([...Object.values(TOPICS), ...sourceTopics(config.sources)]);
  const registry = openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`);
  const codec = await openRecordCodec(registry);
  const writer = openRecordWriter(kafka);
  const plane = { kafka, registry, codec, writer, config, url: '', source: 'init-shop' };
  const pipeline = await startPipeline(plane, join(folder, 'pipeline'));
  const index = await startIndex(plane, join(folder, 'index'));
  const connect = openConnectApi(stack.connect);
  try {
    await captureSources(config, stack);
    const found = await until('indexed', () => index.document('init-shop/public.articles/1'));
    expect(found.record).toMatchObject({ title: 'First', text: 'The word is quince.', tenant: 'acme' });
  } finally {
    await connect.deleteConnector(sourceNames('init-shop').connector);
    await pipeline.stop();
    await index.stop();
    await until('the slot is given up', () =>
      POSTGRES.release({ source: 'init-shop', url }).then(
        () => true,
        () => false,
      ),
    );
    await writer.close();
    await kafka.close();
  }
});

test('a file that is there is never written over unasked', async () => {
  const file = join(folder, 'kept.config.ts');
  await writeFile(file, '// mine\n');
  expect(await init(url, '--config', 'kept.config.ts')).toMatchObject({
    code: 5,
    err: expect.stringContaining('conflict'),
  });
  expect(await readFile(file, 'utf8')).toBe('// mine\n');
  expect(await init(url, '--config', 'kept.config.ts', '--yes')).toMatchObject({ code: 0 });
  expect(await readFile(`${file}.before`, 'utf8')).toBe('// mine\n');
});

test('what cannot be asked for has its exit code', async () => {
  expect(await init('oracle://a:b@c/d')).toMatchObject({
    code: 2,
    err: expect.stringContaining('postgres://'),
  });
  expect(await init(url.replace(/:\d+\//, ':1/'))).toMatchObject({
    code: 7,
    err: expect.stringContaining('source-unavailable'),
  });
  expect(await init(url, '--tables', 'public.nowhere')).toMatchObject({ code: 3 });
});

test('Postgres: permissions, primary keys and replica identity, each with its SQL, which then works', async () => {
  const limited = url.replace(/\/\/[^@]*@/, '//poor:poor@').replace(/init_shop$/, 'init_poor');
  const asAdmin = url.replace(/init_shop$/, 'init_poor');
  await admin.query('CREATE DATABASE init_poor');
  await admin.query("CREATE ROLE poor LOGIN PASSWORD 'poor'");
  await admin.query('CREATE ROLE shopkeeper');
  await ask(
    asAdmin,
    `CREATE TABLE keyed (id int PRIMARY KEY, title text); CREATE TABLE silent (id int PRIMARY KEY, body text);
     ALTER TABLE silent REPLICA IDENTITY NOTHING; ALTER TABLE silent OWNER TO shopkeeper; CREATE TABLE keyless (body text)`,
  );
  const said = await init(limited, '--dry-run', '--json');
  expect(said.code).toBe(6);
  const changes = changesOf(said.out);
  expect(changes).toEqual(
    expect.arrayContaining([
      'ALTER ROLE poor REPLICATION;',
      'GRANT CREATE ON DATABASE init_poor TO poor;',
      'ALTER TABLE silent REPLICA IDENTITY DEFAULT;',
      'ALTER TABLE keyless ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;',
      'GRANT SELECT ON keyed TO poor;',
      // Its owner is the superuser, whose rights are lent to nobody.
      'ALTER TABLE keyed OWNER TO poor;',
    ]),
  );
  for (const change of new Set(changes)) await ask(asAdmin, change);
  // Tables whose rows had no name are looked at as sources only now that they have one.
  const second = changesOf((await init(limited, '--dry-run', '--json')).out);
  expect(second).toEqual([
    'GRANT SELECT ON keyless TO poor;',
    'ALTER TABLE keyless OWNER TO poor;',
    'GRANT SELECT ON silent TO poor;',
    'GRANT shopkeeper TO poor;',
  ]);
  for (const change of second) await ask(asAdmin, change);
  expect(await init(limited, '--dry-run', '--json')).toMatchObject({ code: 0 });
  // What the checks allow is what capture then does.
  await POSTGRES.prepare({ source: 'init-poor', url: limited, tables: ['public.keyed', 'public.silent'] });
  await admin.query('DROP DATABASE init_poor WITH (FORCE)');
  await admin.query('DROP ROLE shopkeeper');
});

/** The server as the stack starts it, with other settings. */
const withServer = async (
  make: (context: Parameters<typeof postgresServer>[0]) => Promise<ServerCommand>,
  change: (words: readonly string[]) => readonly string[],
  action: (dataDirectory: string, ports: Awaited<ReturnType<typeof freePorts>>) => Promise<void>,
): Promise<void> => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'freshet-init-server-'));
  const ports = await freePorts();
  const watchdog = startWatchdog();
  try {
    const command = await make({ dataDirectory, cacheDirectory: '', ports, environment: process.env });
    const server = await startServerProcess(
      { ...command, arguments: change(command.arguments) },
      {
        watchdog,
        signal: new AbortController().signal,
        onStarted: async () => undefined,
        onDied: () => undefined,
      },
    );
    await action(dataDirectory, ports).finally(() => server.stop());
  } finally {
    watchdog.close();
    for (const each of [dataDirectory, ...outsideFolders(dataDirectory)])
      await rm(each, { recursive: true, force: true, maxRetries: 5 });
  }
};

test('Postgres whose log does not say which rows changed', async () => {
  await withServer(
    postgresServer,
    (words) => [...words, '-c', 'wal_level=replica'],
    async (dataDirectory, { postgres }) => {
      const password = await serverPassword(dataDirectory, 'postgres');
      const source = `postgres://freshet:${password}@127.0.0.1:${postgres}/postgres`;
      await ask(source, 'CREATE TABLE articles (id int PRIMARY KEY, body text)');
      const said = await init(source, '--dry-run');
      expect(said).toMatchObject({
        code: 6,
        out: expect.stringMatching(/✗ log .*wal_level = replica.* → ALTER SYSTEM SET/),
      });
    },
  );
});

test('MariaDB that is ready, from its URL to a configuration that typechecks', async () => {
  await askMaria(
    'CREATE DATABASE init_shop',
    `CREATE TABLE init_shop.articles (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, workspace_id int unsigned, title varchar(200),
       body longtext, active tinyint(1), kind enum('a', 'b'), at datetime, raw blob)`,
    `INSERT INTO init_shop.articles (workspace_id, title, body) VALUES (7, 'First', 'The word is quince.')`,
  );
  const said = await init(`${maria.mariadb?.url}init_shop`, '--config', 'maria.config.ts');
  expect(said).toMatchObject({ code: 0, out: expect.stringContaining('init_shop.articles') });
  const file = join(folder, 'maria.config.ts');
  expect(await typecheck(file)).toBe('');
  const config = await loadConfig(file);
  expect(config).toMatchObject({ localTenant: '7', sources: { 'init-shop': { kind: 'mariadb' } } });
});

test('MariaDB: permissions and primary keys, each with its SQL, which then works', async () => {
  await askMaria(
    'CREATE DATABASE init_poor',
    'CREATE TABLE init_poor.keyless (body text)',
    'CREATE TABLE init_poor.articles (id int PRIMARY KEY, body text)',
    "CREATE USER 'poor'@'127.0.0.1' IDENTIFIED BY 'poor'",
    "GRANT SELECT ON init_poor.* TO 'poor'@'127.0.0.1'",
  );
  const limited = `${maria.mariadb?.url}init_poor`.replace(/\/\/[^@]*@/, '//poor:poor@');
  const said = await init(limited, '--dry-run', '--json');
  expect(said.code).toBe(6);
  const changes = changesOf(said.out);
  expect(changes).toEqual(
    expect.arrayContaining([
      "GRANT REPLICATION SLAVE ON *.* TO 'poor'@'127.0.0.1';",
      "GRANT BINLOG MONITOR ON *.* TO 'poor'@'127.0.0.1';",
      "GRANT RELOAD ON *.* TO 'poor'@'127.0.0.1';",
      "GRANT ALL PRIVILEGES ON freshet.* TO 'poor'@'127.0.0.1';",
      'ALTER TABLE `init_poor`.`keyless` ADD COLUMN id bigint unsigned AUTO_INCREMENT PRIMARY KEY;',
    ]),
  );
  await askMaria(...changes);
  expect(await init(limited, '--dry-run', '--json')).toMatchObject({ code: 0 });
});

test('MariaDB: the rights on freshet.* that are asked for are enough to prepare, probe and signal, and each is needed', async () => {
  await askMaria(
    'CREATE DATABASE init_own',
    'CREATE TABLE init_own.articles (id int PRIMARY KEY, body text)',
    "CREATE USER 'own'@'127.0.0.1' IDENTIFIED BY 'own'",
    "GRANT REPLICATION SLAVE, BINLOG MONITOR, RELOAD ON *.* TO 'own'@'127.0.0.1'",
    "GRANT SELECT ON init_own.* TO 'own'@'127.0.0.1'",
    "GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON freshet.* TO 'own'@'127.0.0.1'",
  );
  const own = `${maria.mariadb?.url}init_own`.replace(/\/\/[^@]*@/, '//own:own@');
  expect(await init(own, '--dry-run', '--json')).toMatchObject({ code: 0 });
  const at = { source: 'own', url: own };
  await MARIADB.prepare({ ...at, tables: ['init_own.articles'] });
  const probe = async (): Promise<void> => {
    // Rights that are taken away end with the connection.
    const clock = MARIADB.openClock(own);
    try {
      await clock.writeProbe('own', 1);
      await clock.writeProbe('own', 2);
    } finally {
      await clock.close();
    }
  };
  const signal = (id: string) => MARIADB.signal(at, { id, type: 'log', data: '{}' });
  await probe();
  expect(await signal('one')).toBe(true);
  for (const [right, attempt] of [
    ['UPDATE', probe],
    ['INSERT', probe],
    ['SELECT', () => signal('two')],
    ['DELETE', () => signal('three')],
  ] as const) {
    await askMaria(`REVOKE ${right} ON freshet.* FROM 'own'@'127.0.0.1'`);
    expect((await init(own, '--dry-run', '--json')).code).toBe(6);
    await expect(attempt()).rejects.toMatchObject({ code: 'source-unavailable' });
    await askMaria(`GRANT ${right} ON freshet.* TO 'own'@'127.0.0.1'`);
  }
});

test('MariaDB without a binlog, and with one of statements', async () => {
  const mariadb = findMariaDb(process.env) ?? '';
  const make = (context: Parameters<typeof postgresServer>[0]) => mariadbServer({ ...context, mariadb });
  for (const [change, expected] of [
    [
      (words: readonly string[]) => words.filter((word) => !word.includes('log-bin')),
      /✗ log .*log_bin = OFF/,
    ],
    [
      (words: readonly string[]) =>
        words.map((word) =>
          word.replace('format=ROW', 'format=STATEMENT').replace('image=FULL', 'image=MINIMAL'),
        ),
      /✗ log .*binlog_format = STATEMENT.* → SET GLOBAL binlog_format = 'ROW';[\s\S]*✗ log .*binlog_row_image = MINIMAL/,
    ],
  ] as const) {
    await withServer(make, change, async (dataDirectory, ports) => {
      const said = await init(await mariadbUrl(dataDirectory, ports.mariadb), '--dry-run');
      expect(said).toMatchObject({ code: 6, out: expect.stringMatching(expected) });
    });
  }
});
