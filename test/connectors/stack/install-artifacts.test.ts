import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { artifactsIn } from '../../../connectors/stack/artifacts.ts';
import { installArtifacts } from '../../../connectors/stack/install-artifacts.ts';
import { tryLock } from '../../../connectors/stack/owner-lock.ts';

let directory: string;
let cacheDirectory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'install-'));
  cacheDirectory = join(directory, 'cache');
});
afterEach(() => rm(directory, { recursive: true }));

/** Maven's place is taken by a script: what it fetched is the question here, not how. */
const install = async (script: string, signal = new AbortController().signal) => {
  const maven = join(directory, 'mvn');
  await writeFile(
    maven,
    `#!/bin/sh\nfor word; do case $word in -Dfreshet.target=*) T=\${word#*=};; esac; done\n${script}`,
  );
  await chmod(maven, 0o755);
  return installArtifacts({
    cacheDirectory,
    environment: { PATH: process.env.PATH },
    findMaven: async () => maven,
    onProgress: () => undefined,
    signal,
  });
};

test('a download that fails twice leaves nothing that a later start would take for installed', async () => {
  await expect(install('echo "[ERROR] no route to host"; exit 1')).rejects.toMatchObject({
    code: 'install-failed',
    message: expect.stringContaining('no route to host'),
  });
  expect((await readdir(cacheDirectory)).filter((name) => !name.endsWith('.partial'))).toEqual([]);
});

test('a model other than the expected one is refused', async () => {
  const script =
    'mkdir $T/model; echo x > $T/model/all-minilm-l6-v2.onnx; echo x > $T/model/all-minilm-l6-v2-tokenizer.json';
  await expect(install(script)).rejects.toMatchObject({ code: 'checksum-mismatch' });
  expect((await readdir(cacheDirectory)).filter((name) => !name.endsWith('.partial'))).toEqual([]);
});

test('what a killed install left is cleared away', async () => {
  const left = `${artifactsIn(cacheDirectory).directory}.1.partial`;
  await mkdir(left, { recursive: true });
  await expect(install('exit 1')).rejects.toMatchObject({ code: 'install-failed' });
  expect(await readdir(cacheDirectory)).not.toContain(left.split('/').at(-1));
});

test('what another version is being installed into is left alone, and cleared away once nobody fills it', async () => {
  const other = join(cacheDirectory, 'stack-000000000000');
  await mkdir(`${other}.1.partial`, { recursive: true });
  const lock = await tryLock(`${other}.lock`);
  await expect(install('exit 1')).rejects.toMatchObject({ code: 'install-failed' });
  expect(await readdir(cacheDirectory)).toContain('stack-000000000000.1.partial');
  if ('release' in lock) await lock.release();
  await expect(install('exit 1')).rejects.toMatchObject({ code: 'install-failed' });
  expect((await readdir(cacheDirectory)).filter((name) => name.startsWith('stack-0000'))).toEqual([]);
});

test('a full disk is said to be full', async () => {
  await expect(install('echo "[ERROR] No space left on device"; exit 1')).rejects.toMatchObject({
    code: 'disk-full',
  });
});

test('a download given up ends at once', async () => {
  const cancel = new AbortController();
  const installing = install('exec sleep 60', cancel.signal);
  setTimeout(() => cancel.abort(), 200);
  await expect(installing).rejects.toMatchObject({ code: 'not-running' });
});

test('what is installed is found without Maven, in less than 50 ms', async () => {
  await mkdir(artifactsIn(cacheDirectory).directory, { recursive: true });
  const took: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const started = performance.now();
    await install('exit 1');
    took.push(performance.now() - started);
  }
  // The quickest: what a busy machine adds to the others is not its own.
  expect(Math.min(...took)).toBeLessThan(50);
});
