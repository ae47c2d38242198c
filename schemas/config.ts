/** freshet.config.ts: which tables become documents and how, which agents run, which models answer. Validated once at start. */

import { z } from 'zod';
import type { AgentDefinition } from './agent-definition.ts';
import { AGENT_SOURCES } from './agent-sources.ts';
import { checkVersions } from './agent-versions.ts';
import { ALERT_POLICY_SCHEMA, type AlertPolicy } from './alert-policy.ts';
import { CANARY_POLICY_SCHEMA, type CanaryPolicy } from './canary-policy.ts';
import { FreshetError } from './errors.ts';
import {
  GATE_OVERRIDES_SCHEMA,
  GATES_SCHEMA,
  type GateOverrides,
  type GateSettings,
  settingsOfTable,
} from './gate-settings.ts';
import { INTAKE_POLICY_SCHEMA, type IntakePolicy } from './intake-policy.ts';
import { count, decimal, LANGUAGE_MODEL } from './language-model-settings.ts';
import { MEMORY_POLICY_SCHEMA } from './memory-policy.ts';
import { MEMORY_MAPPING, MEMORY_SOURCE } from './memory-source.ts';
import type { TokenPrice } from './money.ts';
import { ownField } from './own-field.ts';
import { isProbeTable, PROBE_MAPPING } from './probe.ts';
import { mappingOfResults, RESULT_SOURCE, type ResultMapping, resultTable } from './result-source.ts';
import { RETRIEVE_SCHEMA } from './retrieve-settings.ts';
import { SAFETY_POLICY_SCHEMA } from './safety-policy.ts';
import type { Row, TableMapping } from './table-mapping.ts';

export type { CompletedResult, ResultMapping } from './result-source.ts';
export { mapResult } from './result-source.ts';
export type { ColumnValue, Row, TableMapping } from './table-mapping.ts';

/** What every source has, whatever its kind. */
interface SourceSettings {
  /** By schema.table, or database.table where there are no schemas. */
  readonly tables: Readonly<Record<string, TableMapping>>;
}

export interface PostgresSource extends SourceSettings {
  readonly kind: 'postgres';
  /** postgres://user:password@host:port/database, or `sample` for the database that `npm start` makes. */
  readonly url: string;
}

export interface MariaDbSource extends SourceSettings {
  readonly kind: 'mariadb';
  /** mysql://user:password@host:port/database, with `?tls=trust`, `verify-ca` or `verify-full` for an encrypted connection. */
  readonly url: string;
}

export type SourceConfig = PostgresSource | MariaDbSource;
export type SourceKindName = SourceConfig['kind'];

/** What a provider allows, held by all callers in a process together; none where left out. */
export interface LanguageModelLimits {
  /** Calls under way at once. */
  readonly concurrency?: number;
  readonly requestsPerMinute?: number;
  /** Input and output together. */
  readonly tokensPerMinute?: number;
  /** Longest call, milliseconds. */
  readonly timeoutMs?: number;
}

interface RemoteLanguageModel {
  readonly model: string;
  /** What agents, journal and costs call it; `<kind>/<model>` where left out. */
  readonly id?: string;
  readonly price?: TokenPrice;
  /** Prompt and answer together, in the model's tokens. */
  readonly contextTokens?: number;
  readonly limits?: LanguageModelLimits;
}

/** `adaptive`: the model decides; a budget, for models that know no other, is spent beside the answer's tokens. Off where left out. */
export type AnthropicThinking = 'adaptive' | { readonly budgetTokens: number };

export type LanguageModelConfig =
  | { readonly kind: 'extractive' }
  | (RemoteLanguageModel & {
      readonly kind: 'openai-compatible';
      readonly baseUrl: string;
      readonly apiKey?: string;
      readonly outputLimitField?: 'max_tokens' | 'max_completion_tokens';
    })
  | (RemoteLanguageModel & {
      readonly kind: 'anthropic';
      readonly baseUrl?: string;
      readonly apiKey: string;
      readonly thinking?: AnthropicThinking;
      /** Marks tools and system text for the provider's cache. */
      readonly promptCache?: boolean;
    })
  | (RemoteLanguageModel & { readonly kind: 'ollama'; readonly baseUrl?: string });

/** A provider's embedding model. `dimensions` is what it answers; the limits have defaults that most providers take. */
export type RemoteEmbeddingConfig = {
  readonly model: string;
  readonly dimensions: number;
  readonly price?: { readonly inputPerMillionUsd: string };
  /** Told apart from an earlier model of the same name: part of the model's id. */
  readonly revision?: string;
  readonly limits?: {
    readonly maxTextsPerRequest?: number;
    readonly maxTokensPerRequest?: number;
    readonly maxTokensPerText?: number;
    readonly concurrency?: number;
    readonly attempts?: number;
    readonly timeoutMs?: number;
    readonly firstBackoffMs?: number;
    readonly maxBackoffMs?: number;
    readonly breakAfter?: number;
    readonly openMs?: number;
  };
} & (
  | {
      readonly kind: 'openai-compatible';
      readonly baseUrl: string;
      readonly apiKey?: string;
      /** Sends `dimensions` with each request, for models that can shorten their vectors. */
      readonly askDimensions?: boolean;
    }
  | { readonly kind: 'pinecone'; readonly baseUrl: string; readonly apiKey: string }
  | { readonly kind: 'ollama'; readonly baseUrl: string }
);

/** Embedding models that need no configuration: they run on this machine. */
export const LOCAL_EMBEDDING_MODELS = ['all-minilm-l6-v2', 'feature-hash-384'] as const;

export interface EmbeddingConfig {
  /** A local model, or a name in `models`. */
  readonly model: string;
  readonly models: Readonly<Record<string, RemoteEmbeddingConfig>>;
  /** Threads of a local model. */
  readonly workers: number;
}

/** Where an index keeps its vectors. `host` is the base URL of a Pinecone index's data plane; its metric must be cosine. */
export type VectorIndexConfig =
  | { readonly kind: 'embedded' }
  | { readonly kind: 'pinecone'; readonly host: string; readonly apiKey: string; readonly prefix?: string };

export interface FreshetConfig {
  readonly sources: Readonly<Record<string, SourceConfig>>;
  readonly agents: readonly AgentDefinition[];
  /** Whose results flow back into the context, and how, by agent: documents of the source `results` (result-source.ts). */
  readonly results: Readonly<Record<string, ResultMapping>>;
  /** Further versions of the agents: older ones for replays and for what ran under them, and candidates (docs/behaviours.md). */
  readonly behaviours: readonly AgentDefinition[];
  /** When a candidate that gets tasks is rolled back, and when it is ready to be promoted. */
  readonly canary: CanaryPolicy;
  /** When alerts about agents are raised. */
  readonly alerts: AlertPolicy;
  /** One, or several in order of fallback. */
  readonly languageModel: LanguageModelConfig | readonly LanguageModelConfig[];
  readonly embedding: EmbeddingConfig;
  /** Where every index role keeps its vectors that `vectorsByIndex` does not name. */
  readonly vectors: VectorIndexConfig;
  /** By the name of an index role (`freshet index --name`): several kinds beside each other. */
  readonly vectorsByIndex: Readonly<Record<string, VectorIndexConfig>>;
  readonly chunking: { readonly maxTokens: number; readonly overlapTokens: number };
  readonly gates: GateSettings;
  readonly index: {
    /** Memory that the keyword index of an index replica may take; 0: search by vectors alone. */
    readonly keywordMegabytes: number;
    /** Rest between two comparisons of sources and index in the background; 0: none are made. */
    readonly verifyEveryMinutes: number;
  };
  readonly freshness: {
    /** Commit to searchable, milliseconds. */
    readonly targetMs: number;
    /** Share of changes that must keep to it. */
    readonly objective: number;
    /** A probe row is written to every source each second, and looked for as a user would. */
    readonly probes: boolean;
    /** Alerts, those about agents too, are posted here as JSON, as they fire and as they end. */
    readonly webhook?: string;
  };
  readonly runtime: { readonly concurrency: number };
  /** How many tasks a gateway takes on: over it, it answers 429 and when to come back. */
  readonly intake: IntakePolicy;
  /** Traces (docs/observability.md). `OTEL_EXPORTER_OTLP_ENDPOINT`, where it is set, comes before `endpoint`. */
  readonly telemetry: {
    /** Base URL of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318; without one no spans are made. */
    readonly endpoint?: string;
    /** Sent with each export: credentials of a collector that asks for them. */
    readonly headers?: Readonly<Record<string, string>>;
    /** Of tasks that come without a trace; of those with one, its sampled flag decides. 0 to 1. */
    readonly sampleRatio: number;
    /** Of changes on their way into the index. 0 to 1. */
    readonly changeRatio: number;
  };
  /** The tenant of whoever works on this machine without credentials and names none. */
  readonly localTenant: string;
}

type Writable = Pick<FreshetConfig, 'sources' | 'agents'> & {
  readonly [Key in Exclude<keyof FreshetConfig, 'sources' | 'agents' | 'gates'>]?:
    | Partial<FreshetConfig[Key]>
    | FreshetConfig[Key];
} & { readonly gates?: GateOverrides };

/** A mapping typed by the shape of its rows. */
export const mapTable = <Of extends Row>(mapping: TableMapping<Of>): TableMapping =>
  mapping as unknown as TableMapping;

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,40}$/, 'lower-case letters, digits and dashes, beginning with a letter');
const callable = z.custom<(...input: never[]) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
);
const anObject = z.custom<object>(
  (value) => typeof value === 'object' && value !== null,
  'must be an object',
);
const vectorIndex = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('embedded') }),
  z.strictObject({
    kind: z.literal('pinecone'),
    host: z.url(),
    apiKey: z.string().min(1),
    prefix: name.optional(),
  }),
]);
const remoteEmbedding = {
  model: z.string().min(1),
  baseUrl: z.url(),
  dimensions: z.int().min(1).max(20_000),
  price: z.strictObject({ inputPerMillionUsd: decimal }).optional(),
  revision: z.string().min(1).optional(),
  limits: z
    .strictObject({
      maxTextsPerRequest: count,
      maxTokensPerRequest: count,
      maxTokensPerText: z.int().min(16),
      concurrency: count,
      attempts: count,
      timeoutMs: count,
      firstBackoffMs: count,
      maxBackoffMs: count,
      breakAfter: count,
      openMs: count,
    })
    .partial()
    .optional(),
};
const MAPPING_SETTINGS = {
  title: callable,
  text: callable,
  metadata: callable.optional(),
  gates: GATE_OVERRIDES_SCHEMA.optional(),
};
/** The part of every source that does not depend on its kind. */
const SOURCE_SETTINGS = {
  tables: z.record(
    z.string().regex(/^[^.]+\.[^.]+$/, 'schema.table'),
    z.strictObject({ ...MAPPING_SETTINGS, tenant: callable }),
  ),
};
const AGENT = z.strictObject({
  name,
  version: z.string().min(1),
  instructions: z.string().min(1),
  feature: z.string().min(1).max(100).optional(),
  retrieve: RETRIEVE_SCHEMA.optional(),
  models: z.array(z.string().min(1)).min(1).optional(),
  tools: z.array(anObject).optional(),
  limits: z
    .strictObject({
      maxSteps: z.int().min(1).max(1_000),
      maxUsd: decimal,
      maxMs: z.int().min(1),
      maxApprovalMs: z.int().min(1),
      maxOutputTokens: z.int().min(1),
    })
    .partial()
    .optional(),
  safety: SAFETY_POLICY_SCHEMA.optional(),
  memory: MEMORY_POLICY_SCHEMA.optional(),
  input: anObject.optional(),
  output: anObject.optional(),
  plan: callable.optional(),
});
const SCHEMA = z.strictObject({
  sources: z.record(
    name.refine(
      (source) => !AGENT_SOURCES.has(source),
      `${[...AGENT_SOURCES].join(' and ')} are sources that agents write`,
    ),
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('postgres'),
        url: z.union([
          z.literal('sample'),
          z.string().regex(/^postgres(ql)?:\/\//, 'postgres://user:password@host:port/database'),
        ]),
        ...SOURCE_SETTINGS,
      }),
      z.strictObject({
        kind: z.literal('mariadb'),
        url: z.string().regex(/^(?:mysql|mariadb):\/\//, 'mysql://user:password@host:port/database'),
        ...SOURCE_SETTINGS,
      }),
    ]),
  ),
  agents: z.array(AGENT),
  behaviours: z.array(AGENT).default([]),
  canary: CANARY_POLICY_SCHEMA,
  alerts: ALERT_POLICY_SCHEMA,
  results: z.record(name, z.strictObject(MAPPING_SETTINGS)).default({}),
  // Read as a list always: of a union, an error would not say what is wrong in which entry.
  languageModel: z
    .preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(LANGUAGE_MODEL).min(1))
    .transform((models) => (models.length === 1 ? models[0] : models))
    .default({ kind: 'extractive' }),
  embedding: z
    .strictObject({
      model: z.string().default('all-minilm-l6-v2'),
      models: z
        .record(
          name,
          z.discriminatedUnion('kind', [
            z.strictObject({
              kind: z.literal('openai-compatible'),
              ...remoteEmbedding,
              apiKey: z.string().optional(),
              askDimensions: z.boolean().optional(),
            }),
            z.strictObject({ kind: z.literal('pinecone'), ...remoteEmbedding, apiKey: z.string().min(1) }),
            z.strictObject({ kind: z.literal('ollama'), ...remoteEmbedding }),
          ]),
        )
        .default({}),
      workers: z.int().min(1).max(64).default(1),
    })
    .refine(
      ({ model, models }) =>
        Object.hasOwn(models, model) || LOCAL_EMBEDDING_MODELS.some((local) => local === model),
      `model must be ${LOCAL_EMBEDDING_MODELS.join(', ')} or a name in embedding.models`,
    )
    .prefault({}),
  vectors: vectorIndex.default({ kind: 'embedded' }),
  vectorsByIndex: z.record(name, vectorIndex).default({}),
  chunking: z
    .strictObject({
      maxTokens: z.int().min(16).max(256).default(200),
      overlapTokens: z.int().min(0).max(128).default(30),
    })
    .refine(
      (chunking) => chunking.overlapTokens * 2 < chunking.maxTokens,
      'overlapTokens must be less than half of maxTokens',
    )
    .prefault({}),
  gates: GATES_SCHEMA,
  index: z
    .strictObject({
      keywordMegabytes: z.int().min(0).max(65_536).default(512),
      verifyEveryMinutes: z.number().min(0).max(100_000).default(60),
    })
    .prefault({}),
  freshness: z
    .strictObject({
      targetMs: z.int().min(1).default(5_000),
      objective: z.number().min(0.5).max(0.999999).default(0.9999),
      probes: z.boolean().default(true),
      webhook: z.url({ protocol: /^https?$/ }).optional(),
    })
    .prefault({}),
  runtime: z.strictObject({ concurrency: z.int().min(1).max(10_000).default(32) }).prefault({}),
  intake: INTAKE_POLICY_SCHEMA,
  telemetry: z
    .strictObject({
      endpoint: z.url({ protocol: /^https?$/ }).optional(),
      headers: z.record(z.string().regex(/^[\w-]+$/), z.string()).optional(),
      sampleRatio: z.number().min(0).max(1).default(1),
      changeRatio: z.number().min(0).max(1).default(0.01),
    })
    .prefault({}),
  localTenant: z.string().min(1).default('default'),
});

/** Checks a configuration as a whole and fills its defaults. Throws `config-invalid`, naming the first wrong place. */
export const parseConfig = (value: unknown): FreshetConfig => {
  const parsed = SCHEMA.safeParse(value);
  if (!parsed.success) throw invalid(parsed.error);
  const config = parsed.data as unknown as FreshetConfig;
  for (const [source, { tables }] of Object.entries(config.sources))
    for (const table of Object.keys(tables))
      checkGates(config, source, table, ['sources', source, 'tables', table, 'gates']);
  checkVersions([...config.agents, ...config.behaviours]);
  const agents = new Set([...config.agents, ...config.behaviours].map((agent) => agent.name));
  for (const agent of Object.keys(config.results)) {
    if (!agents.has(agent))
      throw new FreshetError(
        'config-invalid',
        `freshet.config.ts: results.${agent}: there is no agent of this name; there are: ${[...agents].join(', ')}`,
      );
    checkGates(config, RESULT_SOURCE, resultTable(agent), ['results', agent, 'gates']);
  }
  return config;
};

const checkGates = (config: FreshetConfig, source: string, table: string, place: readonly string[]): void => {
  try {
    gatesOfTable(config, source, table);
  } catch (error) {
    throw error instanceof z.ZodError ? invalid(error, place) : error;
  }
};

const invalid = ({ issues: [issue] }: z.ZodError, place: readonly string[] = []): FreshetError => {
  // Of a key, zod says what is wrong one issue deeper.
  const said = issue?.code === 'invalid_key' ? issue.issues[0] : issue;
  const where = [...place, ...(issue?.path ?? [])].join('.') || 'the configuration';
  return new FreshetError('config-invalid', `freshet.config.ts: ${where}: ${said?.message ?? 'is invalid'}`);
};

/** What of a configuration says how rows become documents. */
export type MappedTables = Pick<FreshetConfig, 'sources'> & Partial<Pick<FreshetConfig, 'results'>>;

/** What makes documents of a table's rows; undefined where the configuration has no such table. */
export const mappingOfTable = (
  config: MappedTables,
  source: string,
  table: string,
): TableMapping | undefined => {
  if (source === MEMORY_SOURCE) return MEMORY_MAPPING;
  if (source === RESULT_SOURCE) return mappingOfResults(config.results ?? {}, table);
  if (isProbeTable(table)) return PROBE_MAPPING;
  const configured = ownField(config.sources, source);
  return configured && ownField(configured.tables, table);
};

const RESOLVED = new WeakMap<GateSettings, Map<string, GateSettings>>();

/** The gates of a table: the configuration's, with what its mapping says otherwise. Made once for a configuration. */
export const gatesOfTable = (
  config: MappedTables & Pick<FreshetConfig, 'gates'>,
  source: string,
  table: string,
): GateSettings => {
  const resolved = RESOLVED.get(config.gates) ?? new Map<string, GateSettings>();
  RESOLVED.set(config.gates, resolved);
  const key = `${source}/${table}`;
  const settings =
    resolved.get(key) ?? settingsOfTable(config.gates, mappingOfTable(config, source, table)?.gates);
  resolved.set(key, settings);
  return settings;
};

export const defineConfig = (config: Writable): FreshetConfig => parseConfig(config);
