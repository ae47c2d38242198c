import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FreshetError } from '../../schemas/errors.ts';
import { type Artifacts, artifactsIn, MODEL_CHECKSUMS, MODULES, POM_DIRECTORY } from './artifacts.ts';
import { installFolder } from './install-folder.ts';
import { runMaven } from './maven.ts';
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
 * returns at once when they are there.
 * @throws FreshetError `install-failed`, `checksum-mismatch` or `disk-full`
 */
export const installArtifacts = async (options: InstallOptions): Promise<Artifacts> => {
  const artifacts = artifactsIn(options.cacheDirectory);
  const started = performance.now();
  const progress = (detail: string): void =>
    options.onProgress({
      part: 'artifacts',
      state: 'installing',
      ms: Math.round(performance.now() - started),
      detail,
    });

  const filled = await installFolder(
    artifacts.directory,
    progress,
    async (partial) => {
      await runMaven({
        command: await options.findMaven(),
        pomDirectory: POM_DIRECTORY,
        modules: MODULES.length,
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
    },
    options.signal,
  );
  if (filled)
    options.onProgress({ part: 'artifacts', state: 'ready', ms: Math.round(performance.now() - started) });
  return artifacts;
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
