import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tryLock } from '../../../connectors/stack/owner-lock.ts';
import {
  isOfAnotherRelease,
  isSameProcess,
  mayBeSameProcess,
  processIdentity,
} from '../../../connectors/stack/process-identity.ts';

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

test.skipIf(!existsSync('/bin/ps'))(
  'off Linux, what the release before wrote in local time is held by whatever has its pid',
  async () => {
    const { platform } = process;
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    try {
      const found = processIdentity(process.ppid) ?? '';
      expect(found).toMatch(/^utc ./);
      const local = 'Do  5 Feb 14:31:02 2026';
      expect(isSameProcess(process.ppid, local)).toBe(false);
      expect(mayBeSameProcess(process.ppid, local)).toBe(true);
      expect(mayBeSameProcess(process.ppid, found)).toBe(true);
      expect(mayBeSameProcess(process.ppid, 'utc Thu Feb  5 13:31:02 1970')).toBe(false);
      expect(mayBeSameProcess(process.pid, local)).toBe(false);
      expect(mayBeSameProcess(4_194_303, local)).toBe(false);
      const file = join(directory, 'lock');
      await writeFile(file, JSON.stringify({ pid: process.ppid, identity: local }));
      expect(await tryLock(file)).toEqual({ heldBy: process.ppid });
    } finally {
      Object.defineProperty(process, 'platform', { value: platform });
    }
  },
);

test('on Linux every release writes the same, so that what differs is another process', () => {
  expect(isOfAnotherRelease('boot:1', 'boot:2')).toBe(false);
  expect(isOfAnotherRelease(undefined, 'boot:2')).toBe(true);
});
