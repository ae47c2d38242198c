import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tryLock } from '../../../connectors/stack/owner-lock.ts';
import { isSameProcess, processIdentity } from '../../../connectors/stack/process-identity.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'owner-lock-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('of many at once, one gets it and the others learn whose it is', async () => {
  const file = join(directory, 'deep', 'lock');
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => tryLock(file)));
  const [held, ...more] = outcomes.filter((outcome) => 'release' in outcome);
  expect(more).toEqual([]);
  expect(outcomes.filter((outcome) => 'heldBy' in outcome && outcome.heldBy === process.pid)).toHaveLength(
    19,
  );
  if (held && 'release' in held) await held.release();
  expect(await tryLock(file)).toHaveProperty('release');
  expect(await readdir(join(directory, 'deep'))).toEqual(['lock']);
});

test.each([
  ['of a dead process', JSON.stringify({ pid: 4_194_303, identity: 'x' })],
  ['whose pid was given to another process since', JSON.stringify({ pid: process.pid, identity: 'earlier' })],
  ['that is not readable', '{"pid":'],
])('a lock %s is taken over', async (_, content) => {
  const file = join(directory, 'lock');
  await writeFile(file, content);
  expect(await tryLock(file)).toHaveProperty('release');
});

test('a process is known by more than its pid', () => {
  const identity = processIdentity(process.pid);
  expect(identity).toBeDefined();
  expect(isSameProcess(process.pid, identity ?? '')).toBe(true);
  expect(isSameProcess(process.pid, 'another start')).toBe(false);
  expect(processIdentity(4_194_303)).toBeUndefined();
});
