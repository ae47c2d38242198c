import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { FreshetError } from '../../schemas/errors.ts';
import { type Artifacts, artifactsIn, MODEL_CHECKSUMS } from './artifacts.ts';
import { runMaven } from './maven.ts';
import { tryLock } from './owner-lock.ts';
import { diskFullError } from './server-failure.ts';
import { serviceEntryJar } from './service-entry-jar.ts';
import type { Environment, OnStackEvent } from './stack-event.ts';

export type InstallOptions = {
  readonly cacheDirectory: string;
  readonly environment: Environment;
  /** Asked only when something is to be installed. */
  readonly findMaven: () => Promise<string>;
  readonly onProgress: OnStackEvent;
  /** Ends the download. */
  readonly signal: AbortSignal;
};

/**
 * Installs Kafka, Connect, Debezium, the schema registry and the embedding model below the cache directory, about 280 MB;
 * returns at once when they are there. The folder appears by a rename, so a killed install leaves nothing that is
 * half used, and of two processes that install at once the second waits for the first.
 * @throws FreshetError `install-failed`, `checksum-mismatch` or `disk-full`
 */
export const installArtifacts = async (options: InstallOptions): Promise<Artifacts> => {
  const artifacts = artifactsIn(options.cacheDirectory);
  if (existsSync(artifacts.directory)) return artifacts;
  const started = performance.now();
  const progress = (detail: string): void =>
    options.onProgress({
      part: 'artifacts',
      state: 'installing',
      ms: Math.round(performance.now() - started),
      detail,
    });

  const lock = await waitForLock(`${artifacts.directory}.lock`, progress);
  try {
    if (existsSync(artifacts.directory)) return artifacts;
    await removePartial(options.cacheDirectory);
    const partial = `${artifacts.directory}.${process.pid}.partial`;
    await mkdir(partial, { recursive: true });
    const maven = await options.findMaven();
    await runMaven({
      command: maven,
      target: partial,
      environment: options.environment,
      onProgress: progress,
      signal: options.signal,
    });
    progress('checking the embedding model');
    await placeModel(join(partial, 'model'));
    await writeFile(
      join(partial, 'plugins', 'converter', 'service-entry.jar'),
      serviceEntryJar(
        'org.apache.kafka.connect.storage.Converter',
        'io.apicurio.registry.utils.converter.AvroConverter',
      ),
    );
    await mkdir(join(partial, 'archives'));
    await rm(join(partial, 'markers'), { recursive: true, force: true });
    await rename(partial, artifacts.directory);
  } catch (error) {
    throw diskFullError(error) ?? error;
  } finally {
    await lock.release();
  }
  options.onProgress({ part: 'artifacts', state: 'ready', ms: Math.round(performance.now() - started) });
  return artifacts;
};

const waitForLock = async (file: string, progress: (detail: string) => void) => {
  let told = false;
  for (;;) {
    const lock = await tryLock(file);
    if ('release' in lock) return lock;
    if (!told) progress(`waiting for process ${lock.heldBy}, which installs the same`);
    told = true;
    await delay(200);
  }
};

const removePartial = async (cacheDirectory: string): Promise<void> => {
  const names = await readdir(cacheDirectory);
  const partial = names.filter((name) => name.startsWith('stack-') && name.endsWith('.partial'));
  await Promise.all(partial.map((name) => rm(join(cacheDirectory, name), { recursive: true, force: true })));
};

const placeModel = async (directory: string): Promise<void> => {
  await rename(join(directory, 'all-minilm-l6-v2.onnx'), join(directory, 'model.onnx'));
  await rename(join(directory, 'all-minilm-l6-v2-tokenizer.json'), join(directory, 'tokenizer.json'));
  for (const [name, expected] of Object.entries(MODEL_CHECKSUMS)) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(directory, name)), hash);
    const found = hash.digest('hex');
    if (found === expected) continue;
    throw new FreshetError(
      'checksum-mismatch',
      `The downloaded ${basename(name)} has sha256 ${found}, not ${expected}: delete langchain4j's folder from Maven's local repository and start again.`,
    );
  }
};
