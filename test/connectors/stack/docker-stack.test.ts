import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isDockerStack, startDockerStack } from '../../../connectors/stack/docker-stack.ts';

let directory: string;
let abort: AbortController;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'docker-stack-'));
  abort = new AbortController();
});
afterEach(() => rm(directory, { recursive: true }));

const asked = (): readonly string[] => {
  const file = join(directory, 'asked');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};

/** Docker's place is taken by a script that writes down what it was asked, and does `up` as told. */
const start = async (up: string, stop = 'true', info = 'true') => {
  await mkdir(join(directory, 'bin'));
  const docker = join(directory, 'bin', 'docker');
  const script = `#!/bin/sh
case "$1 $2" in
"info ") ${info};;
"compose up") echo "$1 $2" >> ${directory}/asked; ${up};;
"compose stop") ${stop}; echo "$1 $2" >> ${directory}/asked;;
esac
`;
  await writeFile(docker, script);
  await chmod(docker, 0o755);
  return startDockerStack({
    dataDirectory: join(directory, 'data'),
    cacheDirectory: join(directory, 'cache'),
    environment: { PATH: `${directory}/bin:${process.env.PATH}` },
    onProgress: () => undefined,
    signal: abort.signal,
  });
};

test('containers are stopped though the signal of their start is aborted by then', async () => {
  const stack = await start('exit 0');
  abort.abort();
  await stack.stop();
  expect(asked()).toEqual(['compose up', 'compose stop']);
});

test('containers of a start that failed are stopped', async () => {
  await expect(start('echo unhealthy >&2; exit 1')).rejects.toMatchObject({
    code: 'server-failed',
    message: 'docker compose up ended with code 1: unhealthy',
  });
  expect(asked()).toEqual(['compose up', 'compose stop']);
});

test('containers of a start that was given up are stopped once it has ended', async () => {
  const goesOn = `trap 'echo ended >> ${directory}/asked; exit 1' TERM; while :; do sleep 0.05; done`;
  const starting = start(goesOn);
  await vi.waitUntil(() => asked().includes('compose up'), { timeout: 60_000 });
  abort.abort();
  await expect(starting).rejects.toMatchObject({ code: 'not-running' });
  expect(asked()).toEqual(['compose up', 'ended', 'compose stop']);
});

test('containers that could not be stopped are told of', async () => {
  const stack = await start('exit 0', 'echo no daemon >&2; exit 1');
  await expect(stack.stop()).rejects.toThrow('docker compose stop ended with code 1: no daemon');
});

test('where no daemon answers it is said, and nothing tells of containers', async () => {
  await expect(start('exit 0', 'true', 'echo no daemon >&2; exit 1')).rejects.toMatchObject({
    code: 'prerequisite-missing',
    message: expect.stringMatching(/^Docker does not answer: start it.* no daemon$/),
  });
  expect([asked(), isDockerStack(join(directory, 'data'))]).toEqual([[], false]);
});
