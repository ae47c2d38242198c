/** What has to outlast a power loss: a file is flushed before its rename, and its folder after it. */
import fs, {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { CrashMarker } from '../../../connectors/document-table/crash-marker.ts';
import { replaceDurably } from '../../../connectors/files/replace-durably.ts';
import { installFolder } from '../../../connectors/stack/install-folder.ts';
import { sealAfter, sealGraph } from '../../../connectors/vector-index/graph-seal.ts';
import { writeManifest } from '../../../connectors/vector-index/index-files.ts';
import { openGenerations } from '../../../pipelines/apply-index/generations.ts';

const { openSync, fsync, fsyncSync, renameSync } = fs;
const real = { openSync, fsync, fsyncSync, renameSync };
const paths = new Map<number, string>();
let seen: (readonly [call: 'flush' | 'rename', path: string])[] = [];
let failing = '';

// The real file system; it is noted what was flushed and renamed, in order.
beforeAll(() => {
  Object.assign(fs, {
    openSync: (...given: Parameters<typeof real.openSync>) => {
      const file = real.openSync(...given);
      paths.set(file, String(given[0]));
      return file;
    },
    fsyncSync: (file: number) => {
      const path = paths.get(file) ?? '';
      if (path === failing) throw Object.assign(new Error('EIO: flush'), { code: 'EIO' });
      real.fsyncSync(file);
      seen.push(['flush', path]);
    },
    fsync: (file: number, done: (error: Error | null) => void) => {
      seen.push(['flush', paths.get(file) ?? '']);
      real.fsync(file, done);
    },
    renameSync: (from: string, to: string) => {
      real.renameSync(from, to);
      seen.push(['rename', to]);
    },
  });
  syncBuiltinESMExports();
});
afterAll(() => {
  Object.assign(fs, real);
  syncBuiltinESMExports();
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'freshet-durable-'));
  seen = [];
});
afterEach(() => {
  failing = '';
  rmSync(folder, { recursive: true, force: true });
});

/** Paths renamed to; throws where one of them was not flushed before, or its folder not after. */
const durablyRenamed = (): readonly string[] =>
  seen.flatMap(([call, path], at) => {
    if (call !== 'rename') return [];
    expect(seen.slice(0, at)).toContainEqual(['flush', `${path}.new`]);
    expect(seen.slice(at)).toContainEqual(['flush', dirname(path)]);
    return path;
  });

it('flushes what takes the place of a file, and then its name', () => {
  const path = join(folder, 'file');
  replaceDurably(path, 'one');
  replaceDurably(path, 'two', 0o600);
  expect(readFileSync(path, 'utf8')).toBe('two');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(durablyRenamed()).toEqual([path, path]);
});

it('does so wherever an index rests on a rename', async () => {
  writeManifest(folder, { dimensions: 4, graph: 0, small: 0, log: 1 });
  const place = join(folder, 'graph', 'rows');
  mkdirSync(join(place, 'part'), { recursive: true });
  await sealGraph(dirname(place), place);
  expect(seen).toEqual(expect.arrayContaining([place, join(place, 'part')].map((path) => ['flush', path])));
  await sealAfter(dirname(place), place, () => undefined);
  const generations = await openGenerations({
    ...{ folder: join(folder, 'index'), dimensions: 4 },
    onDiscarded: () => undefined,
  });
  await generations.replace(await generations.openNext());
  await generations.close();
  const renamed = durablyRenamed();
  for (const name of [
    'index.json',
    'graph/seal.json',
    'index/current',
    'index/generation-2/table/table.state',
  ])
    expect(renamed).toContain(join(folder, name));
});

it('goes over to the generation that is named though that may not be on disk, and leaves the one before', async () => {
  const index = join(folder, 'index');
  const left: string[] = [];
  const generations = await openGenerations({
    ...{ folder: index, dimensions: 4 },
    onDiscarded: () => undefined,
    onLeftBehind: ({ message }) => left.push(message),
  });
  const next = await generations.openNext();
  failing = index;
  await generations.replace(next);
  failing = '';
  expect(generations.serving()).toBe(next);
  expect(left).toEqual(['EIO: flush']);
  await generations.close();
  expect(readdirSync(index).sort()).toEqual(['current', 'generation-1', 'generation-2']);
});

it('flushes what is installed before it has its name', async () => {
  const directory = join(folder, 'stack-1');
  await installFolder(
    directory,
    () => undefined,
    async (partial) => {
      mkdirSync(join(partial, 'libs'));
      writeFileSync(join(partial, 'libs', 'server.jar'), 'jar');
    },
  );
  const partial = `${directory}.${process.pid}.partial`;
  for (const path of [join(partial, 'libs', 'server.jar'), join(partial, 'libs'), partial])
    expect(seen).toContainEqual(['flush', path]);
});

it('says dirty once more where it is not known whether clean reached the disk', () => {
  const path = join(folder, 'state');
  const marker = new CrashMarker(path, 'boot');
  marker.markDirty();
  failing = folder;
  expect(() => marker.markClean()).toThrow('EIO');
  failing = '';
  marker.markDirty();
  expect(new CrashMarker(path, 'another boot').torn).toBe(true);
});
