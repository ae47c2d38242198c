import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the Maven files that say what is installed, and in which versions. */
export const POM_DIRECTORY = fileURLToPath(new URL('artifacts', import.meta.url));

/** One Maven module each; all of them run in parallel. */
export const MODULES = ['model', 'registry', 'debezium-postgres', 'kafka', 'converter'] as const;

/** Raise it when the layout of the installed folder changes while the pom files don't. */
const LAYOUT = 1;

export const MODEL_CHECKSUMS = {
  'model.onnx': '759c3cd2b7fe7e93933ad23c4c9181b7396442a2ed746ec7c1d46192c469c46e',
  'tokenizer.json': 'da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0',
} as const;

/** Where the installed files lie. */
export type Artifacts = {
  readonly directory: string;
  /** Kafka's and Connect's jars. */
  readonly kafkaDirectory: string;
  /** Connect's `plugin.path`: connectors and converters, a folder each. */
  readonly pluginDirectory: string;
  readonly registryJar: string;
  /** model.onnx and tokenizer.json of all-MiniLM-L6-v2. */
  readonly modelDirectory: string;
  /** Class-data archives that the JVMs write at their first stop. */
  readonly archiveDirectory: string;
};

/** The same versions give the same name, so another version never finds its files half replaced. */
export const artifactsIn = (cacheDirectory: string): Artifacts => {
  const hash = createHash('sha256').update(String(LAYOUT));
  for (const file of ['pom.xml', ...MODULES.map((module) => join(module, 'pom.xml'))]) {
    hash.update(readFileSync(join(POM_DIRECTORY, file)));
  }
  const directory = join(cacheDirectory, `stack-${hash.digest('hex').slice(0, 12)}`);
  return {
    directory,
    kafkaDirectory: join(directory, 'kafka'),
    pluginDirectory: join(directory, 'plugins'),
    registryJar: join(directory, 'registry', 'apicurio-registry-app-3.0.9-runner.jar'),
    modelDirectory: join(directory, 'model'),
    archiveDirectory: join(directory, 'archives'),
  };
};
