/** Fault 27: whatever file is cut short or has a bit flipped, opening says index-corrupt and `discard` begins anew. */
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openZvecVectorIndex } from '../../../connectors/vector-index/zvec-vector-index.ts';
import { DIMENSIONS, placeOf, rowsOf, vectorOf } from './vector-rows.ts';

const folder = mkdtempSync(join(tmpdir(), 'freshet-zvec-damage-'));
const sound = join(folder, 'sound');
const damaged = join(folder, 'damaged');

const open = (path: string, discard = false) =>
  openZvecVectorIndex({
    ...{ folder: path, dimensions: DIMENSIONS, discard },
    ...{ buildAfterRows: 45, smallBesideRows: 500 },
  });

const filesOf = (path: string): readonly string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .filter((name) => statSync(join(path, name)).size > 0);

const flip = (path: string, share: number): void => {
  const bytes = readFileSync(path);
  const written = [...bytes.keys()].filter((place) => bytes[place] !== 0);
  const place = written[Math.floor(written.length * share)] ?? 0;
  bytes[place] = (bytes[place] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
};

const expectCorrupt = async (what: string): Promise<void> => {
  await expect(open(damaged), what).rejects.toMatchObject({ code: 'index-corrupt' });
};

describe('27: a damaged vector index', () => {
  beforeAll(async () => {
    const index = await open(sound);
    const built = async (): Promise<void> => {
      while (index.build.running) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(index.build.failure).toBeUndefined();
    };
    await index.upsert(rowsOf(500));
    await built();
    await index.upsert(rowsOf(45, 'acme', 1_000));
    await built();
    await index.upsert(rowsOf(15, 'acme', 1_045));
    await index.remove([placeOf(3)]);
    await index.close();
    const manifest = JSON.parse(readFileSync(join(sound, 'index.json'), 'utf8'));
    expect(Math.min(manifest.graph, manifest.small)).toBeGreaterThan(0);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const withDamage = (damage: () => void): void => {
    rmSync(damaged, { recursive: true, force: true });
    cpSync(sound, damaged, { recursive: true });
    damage();
  };

  it('is noticed in every file of the graphs, cut short or flipped', async () => {
    const files = filesOf(sound).filter((name) => name.startsWith('graph-'));
    expect(files.length).toBeGreaterThan(20);
    for (const name of files) {
      withDamage(() => truncateSync(join(damaged, name), statSync(join(damaged, name)).size >> 1));
      await expectCorrupt(`${name} cut`);
      withDamage(() => flip(join(damaged, name), 0.6));
      if (!name.endsWith('seal.json')) await expectCorrupt(`${name} flipped`);
      withDamage(() => rmSync(join(damaged, name)));
      await expectCorrupt(`${name} missing`);
    }
  });

  it('is noticed in the logs and in index.json', async () => {
    const logs = filesOf(sound).filter((name) => /^(log|removed)-/.test(name));
    expect(logs).toHaveLength(2);
    for (const log of logs)
      for (const share of [0.01, 0.4, 0.8, 0.999]) {
        withDamage(() => flip(join(damaged, log), share));
        await expectCorrupt(`${log} flipped at ${share}`);
      }
    withDamage(() => truncateSync(join(damaged, 'index.json'), 10));
    await expectCorrupt('index.json cut');
    withDamage(() => rmSync(join(damaged, 'index.json')));
    await expectCorrupt('index.json missing');
  });

  it('is told from a write that a kill cut off: what was acknowledged before it stays', async () => {
    const [log = ''] = filesOf(sound).filter((name) => name.startsWith('log-'));
    withDamage(() => {
      const bytes = readFileSync(join(damaged, log));
      writeFileSync(join(damaged, log), Buffer.concat([bytes, bytes.subarray(0, 77)]));
    });
    const index = await open(damaged);
    expect(await index.count()).toBe(559);
    await index.upsert(rowsOf(1, 'acme', 9_000));
    await index.close();
    const again = await open(damaged);
    expect(await again.count()).toBe(560);
    await again.close();
  });

  it('is torn when the machine went down while it was written to', async () => {
    withDamage(() => writeFileSync(join(damaged, 'state'), 'dirty another-boot\n'));
    await expectCorrupt('another boot');
  });

  it('is begun anew with discard', async () => {
    withDamage(() => truncateSync(join(damaged, 'index.json'), 10));
    const index = await open(damaged, true);
    expect(await index.count()).toBe(0);
    await index.upsert(rowsOf(3));
    expect(await index.query({ vector: vectorOf(1), topK: 9, tenant: 'acme' })).toHaveLength(3);
    await index.close();
  });
});
