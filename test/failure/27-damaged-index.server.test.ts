/** Fault 27: whichever file of an index is cut short or has a bit flipped, it is noticed and read anew from the log. */
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { EMBEDDED, type VectorIndexKind } from '../../connectors/vector-index/vector-index-kind.ts';
import { openZvecVectorIndex } from '../../connectors/vector-index/zvec-vector-index.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import * as roles from '../support/plane-roles.ts';
import { untilEqual } from '../support/plane-state.ts';
import { until } from '../support/until.ts';

const SOURCE = 'damaged';
let plane: DataPlane;
let folder: Awaited<ReturnType<typeof roles.temporaryFolder>>;
let pipeline: Awaited<ReturnType<typeof roles.startPipeline>>;

/** Its rows stay in the log: the shared one may hold so many of other tests that they would go into a graph. */
const neverBuilt: VectorIndexKind = {
  ...EMBEDDED,
  open: ({ folder, dimensions, discard }) =>
    openZvecVectorIndex({ folder: join(folder, 'vectors'), dimensions, discard, buildAfterRows: 10_000_000 }),
};
const startIndex = () => roles.startIndex(plane, folder.path, undefined, undefined, neverBuilt);

beforeAll(async () => {
  folder = await roles.temporaryFolder();
  plane = await openDataPlane(inject('stack'), SOURCE);
  await plane.client.query(`
    INSERT INTO articles (id, tenant, title, body)
    SELECT n, 'acme', 'Article ' || n, 'The word of article ' || n || ' is damson' || n || '.' FROM generate_series(1, 60) AS n`);
  pipeline = await roles.startPipeline(plane, folder.path);
  const index = await startIndex();
  await plane.capture();
  await untilEqual(plane, index);
  await index.stop();
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await plane?.close();
  await folder?.remove();
});

const fileOf = (name: RegExp): string => {
  const root = join(folder.path, 'index');
  const found = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .find((path) => name.test(path) && statSync(path).size > 0);
  if (!found) throw new Error(`no file is called ${name}`);
  return found;
};

/** One bit of a place that holds this text, or of the middle. */
const flip = (path: string, within?: string): void => {
  const bytes = readFileSync(path);
  const place = within === undefined ? bytes.length >> 1 : bytes.lastIndexOf(within);
  if (place < 0) throw new Error(`${path} does not hold ${within}`);
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  writeFileSync(path, bytes);
};

test.each<[string, () => void]>([
  [
    'the table is cut short',
    () => truncateSync(fileOf(/table\.mdb$/), statSync(fileOf(/table\.mdb$/)).size >> 1),
  ],
  ['the log of recent rows has a bit flipped', () => flip(fileOf(/log-\d+$/))],
  ['the file that names the graph is cut short', () => truncateSync(fileOf(/index\.json$/), 5)],
])('%s', async (_, damage) => {
  damage();
  const index = await startIndex();
  expect(index.discarded).toHaveLength(1);
  await until('read anew', () => index.current());
  await untilEqual(plane, index);
  expect(index.failures).toEqual([]);
  await index.stop();
});

test('a record of the table has a bit flipped: the role ends when it meets it, and begins anew', async () => {
  // Every copy of it: an old page of the table may hold one too.
  const path = fileOf(/table\.mdb$/);
  for (let held = readFileSync(path); held.includes('damson17.'); held = readFileSync(path))
    flip(path, 'damson17.');
  const index = await startIndex();
  expect(index.discarded).toEqual([]);
  const ask = () => index.search({ query: 'damson17', tenant: 'acme', topK: 50, maxPerDocument: 50 });
  await expect(ask()).rejects.toMatchObject({ code: 'index-corrupt' });
  expect(index.failures).toMatchObject([{ code: 'index-corrupt' }]);
  await index.stop();
  const again = await startIndex();
  expect(again.discarded).toHaveLength(1);
  await until('read anew', () => again.current());
  await untilEqual(plane, again);
  await again.stop();
});
