import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cacheDirectoryOf } from '../../../connectors/stack/cache-directory.ts';
import { freePorts } from '../../../connectors/stack/ports.ts';
import { isSameProcess, processIdentity } from '../../../connectors/stack/process-identity.ts';
import { outsideFolders } from '../../../connectors/stack/servers/postgres-folders.ts';
import type { ServerName } from '../../../connectors/stack/stack-event.ts';
import { type StackOptions, startStack } from '../../../connectors/stack/start-stack.ts';
import { RUN_TYPESCRIPT } from '../../../connectors/typescript/run-typescript.ts';
import type { FreshetError } from '../../../schemas/errors.ts';

let dataDirectory: string;
beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'freshet-test-start-'));
});
afterEach(async () => {
  for (const folder of [dataDirectory, ...outsideFolders(dataDirectory)])
    await rm(folder, { recursive: true });
});

const start = (options: Partial<StackOptions>) =>
  startStack({
    ...{ dataDirectory, cacheDirectory: cacheDirectoryOf(process.env), environment: process.env },
    ports: 'free',
    ...options,
  });

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Pids of all processes that name the data directory, in their command line or as their working folder. */
const processesOfStack = async (): Promise<readonly string[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const lines = await Promise.all(
    pids.map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')] as const),
  );
  return lines.filter(([, line]) => line.includes(dataDirectory)).map(([pid]) => pid);
};

test('a server that dies is noticed, with the end of its log, and can be started again', async () => {
  const exits: { readonly name: ServerName; readonly error: FreshetError }[] = [];
  const stack = await start({
    servers: ['redis', 'postgres'],
    onServerExit: (name, error) => exits.push({ name, error }),
  });
  try {
    const before = stack.servers().find(({ name }) => name === 'redis');
    process.kill(before?.pid ?? 0, 'SIGKILL');
    while (exits.length === 0) await pause(20);
    expect(exits[0]).toMatchObject({ name: 'redis', error: { code: 'server-failed' } });
    expect(exits[0]?.error.message).toMatch(/SIGKILL.*redis\.log[\s\S]*Ready to accept connections/);
    await stack.startServer('redis');
    expect(stack.servers().find(({ name }) => name === 'redis')?.pid).not.toBe(before?.pid);
    // A death that was asked for is no news.
    await stack.killServer('postgres');
    await stack.startServer('postgres');
    await pause(200);
    expect(exits).toHaveLength(1);
  } finally {
    await stack.stop();
  }
});

test('stop leaves no process, and the data is there at the next start', async () => {
  const first = await start({ servers: ['kafka', 'postgres'] });
  const client = new Client({ connectionString: first.postgres.url });
  await client.connect();
  await client.query('CREATE TABLE kept (id int)');
  await client.end();
  expect((await processesOfStack()).length).toBeGreaterThan(1);
  await first.stop();
  expect(await processesOfStack()).toEqual([]);

  const second = await start({ servers: ['kafka', 'postgres'] });
  const again = new Client({ connectionString: second.postgres.url });
  await again.connect();
  expect((await again.query('SELECT * FROM kept')).rows).toEqual([]);
  await again.end();
  await second.stop();
});

test('servers keep their data in a folder with letters beyond ASCII, whatever the locale', async () => {
  const stack = await start({
    dataDirectory: join(dataDirectory, 'größe 日本'),
    environment: { ...process.env, LANG: 'C', LC_ALL: '' },
    servers: ['kafka', 'schemaRegistry', 'connect'],
  });
  await stack.stop();
  const made = await readdir(join(dataDirectory, 'größe 日本'));
  expect(made).toEqual(expect.arrayContaining(['kafka', 'schema-registry']));
  expect(await readdir(join(dataDirectory, 'größe 日本', 'kafka', 'logs'))).toContain('meta.properties');
  expect(await readdir(dataDirectory)).toEqual(['größe 日本']);
});

test('a schema outlives the registry being killed right after it was registered', async () => {
  const stack = await start({ servers: ['schemaRegistry'] });
  try {
    const subject = `${stack.schemaRegistry}/apis/ccompat/v7/subjects/kept-value/versions`;
    const body = JSON.stringify({ schema: '{"type":"record","name":"Kept","fields":[]}' });
    const headers = { 'content-type': 'application/json' };
    const registered = await fetch(subject, { method: 'POST', headers, body });
    const { id } = (await registered.json()) as { readonly id: number };
    await stack.killServer('schemaRegistry');
    await stack.startServer('schemaRegistry');
    const found = await fetch(`${stack.schemaRegistry}/apis/ccompat/v7/schemas/ids/${id}`);
    expect(await found.text()).toContain('Kept');
  } finally {
    await stack.stop();
  }
});

test('a port in use is named, and nothing is left running', async () => {
  const ports = await freePorts();
  const occupant = createServer().listen(ports.redis, '127.0.0.1');
  try {
    await expect(start({ servers: ['redis', 'postgres', 'kafka'], ports })).rejects.toMatchObject({
      code: 'port-in-use',
      message: expect.stringContaining(String(ports.redis)),
    });
    expect(await processesOfStack()).toEqual([]);
  } finally {
    occupant.close();
  }
});

test('one data directory, one stack', async () => {
  const stack = await start({ servers: ['redis'] });
  await expect(start({ servers: ['redis'] })).rejects.toMatchObject({ code: 'already-running' });
  await stack.stop();
  await (await start({ servers: ['redis'] })).stop();
});

test('a start given up leaves nothing running', async () => {
  const cancel = new AbortController();
  const starting = start({
    servers: ['kafka', 'postgres', 'redis'],
    signal: cancel.signal,
    onProgress: ({ part, state }) => {
      if (part === 'redis' && state === 'ready') cancel.abort();
    },
  });
  await expect(starting).rejects.toMatchObject({ code: 'not-running' });
  expect(await processesOfStack()).toEqual([]);
});

test('kill -9 of the parent: the watchdog stops its servers, and the next start works', async () => {
  const script = fileURLToPath(new URL('run-stack.ts', import.meta.url));
  const parent = spawn(process.execPath, [...RUN_TYPESCRIPT, script, dataDirectory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await new Promise<string>((resolve) =>
    parent.stdout.once('data', (bytes) => resolve(String(bytes))),
  );
  const servers = JSON.parse(output) as readonly { readonly pid: number }[];
  expect(servers).toHaveLength(3);
  const identities = servers.map(({ pid }) => [pid, processIdentity(pid) ?? ''] as const);
  parent.kill('SIGKILL');
  const deadline = Date.now() + 120_000;
  const alive = () => identities.some(([pid, id]) => isSameProcess(pid, id));
  while (alive() && Date.now() < deadline) await pause(100);
  expect(alive()).toBe(false);
  await (await start({ servers: ['kafka', 'postgres', 'redis'] })).stop();
});

test('servers that even the watchdog left behind are ended by the next start', async () => {
  const script = fileURLToPath(new URL('run-stack.ts', import.meta.url));
  const parent = spawn(process.execPath, [...RUN_TYPESCRIPT, script, dataDirectory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await new Promise<string>((resolve) =>
    parent.stdout.once('data', (bytes) => resolve(String(bytes))),
  );
  const servers = JSON.parse(output) as readonly { readonly pid: number }[];
  // The watchdog is the parent's one child that is a shell.
  const children = await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8');
  for (const pid of children.trim().split(' ')) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (command.includes('watchdog.sh')) process.kill(Number(pid), 'SIGKILL');
  }
  parent.kill('SIGKILL');
  await pause(500);
  const before = processIdentity(servers[0]?.pid ?? 0);
  expect(before).toBeDefined();
  const stack = await start({ servers: ['redis', 'postgres', 'kafka'] });
  for (const { pid } of servers) expect(processIdentity(pid)).toBeUndefined();
  await stack.stop();
  expect(await processesOfStack()).toEqual([]);
});
