import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findRun, type RunFile, removeRunFile, requireRun, writeRunFile } from '../../cli/run-file.ts';
import { processIdentity } from '../../connectors/stack/process-identity.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-run-file-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const identity = processIdentity(process.pid) ?? '';
const UNNAMED = { identity: undefined };
const written = (run: Partial<RunFile>): void =>
  writeRunFile(root, { pid: process.pid, identity, gateway: 'http://127.0.0.1:7400', ...run } as RunFile);

test('a run whose process lives is found', () => {
  written({});
  expect(findRun(root)?.gateway).toBe('http://127.0.0.1:7400');
});

test('a run of the release before, known by its pid alone, is found while that lives', () => {
  written({ ...UNNAMED, pid: process.ppid });
  expect(findRun(root)?.gateway).toBe('http://127.0.0.1:7400');
});

test.each([
  // Process 1 of a container that was killed, and of the one that takes its place.
  ['whose pid this process has now', { identity: 'an earlier start' }],
  ['whose pid another process has now', { pid: process.ppid, identity }],
  ['whose process is gone', { pid: 4_194_303 }],
  ['of the release before, whose pid this process has now', UNNAMED],
  ['of the release before, whose process is gone', { ...UNNAMED, pid: 4_194_303 }],
])('a run %s is none', (_, run) => {
  written(run);
  expect(findRun(root)).toBeUndefined();
  expect(() => requireRun(root)).toThrow('Freshet does not run here');
});

test('what another process wrote is not removed: of two that start at once, one fails', () => {
  const others = { pid: process.ppid, identity: processIdentity(process.ppid) ?? '' };
  written(others);
  removeRunFile(root);
  expect(findRun(root)).toMatchObject(others);
  written({});
  removeRunFile(root);
  expect(findRun(root)).toBeUndefined();
});
