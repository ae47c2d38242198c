/** Files that cannot be removed, opened, cut or flushed: what was acknowledged stays or is read anew, and nothing is left open. */
import fs, { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openContents } from '../../../connectors/vector-index/index-contents.ts';
import { readManifest } from '../../../connectors/vector-index/index-files.ts';
import { RowLog } from '../../../connectors/vector-index/row-log.ts';
import { startEngine } from '../../../connectors/vector-index/zvec-engine.ts';
import { hashedRow } from '../../../connectors/vector-index/zvec-rows.ts';
import { DIMENSIONS, rowsOf } from './vector-rows.ts';

const { rmSync: rm, truncateSync, ftruncateSync, openSync, closeSync, fdatasync, fdatasyncSync } = fs;
const real = { rmSync: rm, truncateSync, ftruncateSync, openSync, closeSync, fdatasync, fdatasyncSync };
let fails = (_call: string, _path: string): boolean => false;
const open = new Map<number, string>();
const flushed: string[] = [];
const flushing: string[] = [];
/** A flush in the background is begun, and waits for this. */
let flushesGoOn: Promise<unknown> | undefined;

const failing =
  <Arguments extends readonly unknown[], Of>(call: string, act: (...given: Arguments) => Of) =>
  (...given: Arguments): Of => {
    const [file] = given;
    const path = typeof file === 'number' ? open.get(file) : file;
    if (fails(call, String(path))) throw Object.assign(new Error(`EROFS: ${call}`), { code: 'EROFS' });
    return act(...given);
  };

// The real file system, but for calls that a test lets fail; and it is noted what is open and what was flushed.
beforeAll(() => {
  Object.assign(fs, {
    rmSync: failing('rm', real.rmSync),
    truncateSync: failing('truncate', real.truncateSync),
    ftruncateSync: failing('truncate', real.ftruncateSync),
    openSync: failing('open', (...given: Parameters<typeof real.openSync>) => {
      const file = real.openSync(...given);
      open.set(file, String(given[0]));
      return file;
    }),
    closeSync: (file: number) => {
      real.closeSync(file);
      open.delete(file);
    },
    fdatasyncSync: failing('flush', (file: number) => {
      real.fdatasyncSync(file);
      flushed.push(open.get(file) ?? '');
    }),
    fdatasync: (file: number, done: (error: Error | null) => void) => {
      flushing.push(open.get(file) ?? '');
      try {
        failing('flush', (at: number) =>
          flushesGoOn ? flushesGoOn.then(() => real.fdatasync(at, done)) : real.fdatasync(at, done),
        )(file);
      } catch (thrown) {
        done(thrown as Error);
      }
    },
  });
  syncBuiltinESMExports();
});
afterAll(() => {
  Object.assign(fs, real);
  syncBuiltinESMExports();
});

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-files-'));
  folder = join(root, 'index');
  mkdirSync(folder);
  startEngine(2, 1);
});
afterEach(() => {
  fails = () => false;
  rmSync(root, { recursive: true, force: true });
});

const hashed = (count: number, from: number) =>
  rowsOf(count, 'acme', from).map((row) => hashedRow(row, DIMENSIONS));
const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);
const opened = (at = folder) => openContents(at, DIMENSIONS, readManifest(at, DIMENSIONS));

it('keeps the rows of a build that failed, though what it leaves cannot be removed', async () => {
  const rows = hashed(60, 0);
  let contents = await opened();
  contents.write(rows);
  fails = (call, path) => call === 'rm' || (call === 'open' && path.endsWith('index.json.new'));
  await expect(contents.build('large', 1)).rejects.toThrow('open');
  fails = () => false;
  const more = hashed(20, 1_000);
  contents.write(more);
  await contents.build('large', 1);
  expect(contents.has(idsOf(rows))).toHaveLength(60);
  await contents.close(false);
  contents = await opened();
  expect(contents.has(idsOf([...rows, ...more]))).toHaveLength(80);
  await contents.close(false);
});

it('keeps the graph that a manifest names, though it is not known whether that reached the disk', async () => {
  const [rows, more] = [hashed(60, 0), hashed(20, 1_000)];
  const killed = join(root, 'killed');
  const manifestOf = (at: string) => readFileSync(join(at, 'index.json'), 'utf8');
  const contents = await opened();
  contents.write(rows);
  let left = 1;
  // Its folder cannot be flushed once it was renamed.
  fails = (call, path) =>
    call === 'open' && path === folder && manifestOf(folder).includes('"log":2') && left-- > 0;
  await expect(contents.build('large', 1)).rejects.toThrow('open');
  contents.remove(idsOf(rows.slice(0, 1)));
  contents.write(more);
  cpSync(folder, killed, { recursive: true });
  const building = contents.build('large', 1);
  const again = await opened(killed);
  expect([again.standing.built.large, again.count]).toEqual([60, 79]);
  await again.close(false);
  await building;
  // Not in the place of the one that was named meanwhile.
  expect(manifestOf(folder)).toContain('"graph":2');
  expect(existsSync(join(folder, 'graph-1'))).toBe(false);
  expect(contents.count).toBe(79);
  await contents.close(false);
});

it('lets go of a graph that was replaced, though the files it stood beside cannot be removed', async () => {
  const contents = await opened();
  fails = (call) => call === 'rm';
  for (const from of [0, 1_000]) {
    contents.write(hashed(60, from));
    await contents.build('large', 1);
  }
  await vi.waitFor(() => expect(existsSync(join(folder, 'graph-1'))).toBe(false));
  fails = () => false;
  await contents.close(false);
  const again = await opened();
  expect(existsSync(join(folder, 'log-1'))).toBe(false);
  expect(again.count).toBe(120);
  await again.close(false);
});

it('brings to disk what a killed build left of the log before the last', async () => {
  const killed = join(root, 'killed');
  const contents = await opened();
  const [before, after] = [hashed(60, 0), hashed(20, 1_000)];
  contents.write(before);
  const building = contents.build('large', 1);
  contents.write(after);
  cpSync(folder, killed, { recursive: true });
  await building;
  await contents.close(false);
  const again = await opened(killed);
  expect(again.has(idsOf([...before, ...after]))).toHaveLength(80);
  expect(flushed).toContain(join(killed, 'log-1'));
  await again.close(false);
});

it('leaves no file open where it cannot be opened', async () => {
  const contents = await opened();
  contents.write(hashed(60, 0));
  await contents.build('large', 1);
  contents.write(hashed(5, 1_000));
  await contents.close(false);
  const openHere = () => [...open.values()].filter((path) => path.startsWith(folder));
  expect(openHere()).toEqual([]);
  fails = (call, path) => call === 'truncate' && path.includes('log-');
  await expect(opened()).rejects.toThrow('truncate');
  expect(openHere()).toEqual([]);
  expect(() => new RowLog(join(folder, 'log-99'), 0)).toThrow('truncate');
  expect(openHere()).toEqual([]);
});

it('closes what is being flushed while a build ends once that is done', async () => {
  const contents = await opened();
  const rows = hashed(80, 0);
  contents.write(rows.slice(0, 60));
  await contents.build('large', 1);
  contents.write(rows.slice(60));
  contents.remove(idsOf(rows.slice(0, 1)));
  let goOn = (): void => undefined;
  flushesGoOn = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const both = ['log-2', 'removed-1'].map((name) => join(folder, name));
  // Begun by itself, a second after the last write.
  await vi.waitFor(() => expect(flushing).toEqual(expect.arrayContaining(both)), 5_000);
  flushesGoOn = undefined;
  await contents.build('large', 1);
  goOn();
  await vi.waitFor(() => expect([...open.values()]).not.toContain(both[0]));
  expect([...open.values()]).not.toContain(both[1]);
  contents.write(hashed(1, 1_000));
  await contents.close(false);
  const again = await opened();
  expect(again.count).toBe(80);
  await again.close(false);
});

// Linux tells of pages that it could not write once, and holds them for clean from then on.
const failsOnceToFlush = (path: string) => {
  let left = 1;
  fails = (call, at) => call === 'flush' && at === path && left-- > 0;
};

it('takes a log that could not be flushed for damaged, though the next flush says that all is well', async () => {
  const contents = await opened();
  contents.write(hashed(60, 0));
  await contents.build('large', 1);
  contents.write(hashed(5, 1_000));
  failsOnceToFlush(join(folder, 'log-2'));
  await expect(contents.close(false)).rejects.toMatchObject({ code: 'index-corrupt' });
  expect(readFileSync('/proc/self/maps', 'utf8')).not.toContain(folder);
  await expect(opened()).rejects.toMatchObject({ code: 'index-corrupt' });
});

it('refuses writes once a log could not be flushed after a build that failed', async () => {
  const contents = await opened();
  contents.write(hashed(60, 0));
  let left = 1;
  fails = (call, path) =>
    (call === 'open' && path.endsWith('index.json.new')) ||
    (call === 'flush' && path.endsWith('log-1') && left-- > 0);
  await expect(contents.build('large', 1)).rejects.toThrow('open');
  expect(() => contents.write(hashed(1, 1_000))).toThrow(expect.objectContaining({ code: 'index-corrupt' }));
  expect(contents.has(idsOf(hashed(60, 0)))).toHaveLength(60);
  await expect(contents.close(false)).rejects.toMatchObject({ code: 'index-corrupt' });
  await expect(opened()).rejects.toMatchObject({ code: 'index-corrupt' });
});

it('takes what a killed build left for damaged where it cannot be flushed', async () => {
  const killed = join(root, 'killed');
  const contents = await opened();
  contents.write(hashed(60, 0));
  const building = contents.build('large', 1);
  contents.write(hashed(20, 1_000));
  cpSync(folder, killed, { recursive: true });
  await building;
  await contents.close(false);
  failsOnceToFlush(join(killed, 'log-1'));
  await expect(opened(killed)).rejects.toMatchObject({ code: 'index-corrupt' });
});
