/** freshet.config.ts: which tables become documents and how, which agents run, which models answer. Validated once at start. */
import { z } from 'zod';
import type { AgentDefinition } from './agent-definition.ts';
import { FreshetError } from './errors.ts';

/** A column's value as captured: 64-bit integers as bigint, decimals and times as text, bytes as bytes. */
export type ColumnValue = string | number | bigint | boolean | Uint8Array | null | readonly ColumnValue[];
export type Row = Readonly<Record<string, ColumnValue>>;

/** How rows of one table become documents. Functions must be pure: the same row gives the same document. */
export interface TableMapping<Of extends Row = Row> {
  readonly title: (row: Of) => string;
  readonly text: (row: Of) => string;
  /** Who may see it. A document of another tenant is never found. */
  readonly tenant: (row: Of) => string;
  /** Filterable by equality in a search. */
  readonly metadata?: (row: Of) => Readonly<Record<string, string | number | bigint | boolean | null>>;
}

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

export type SourceConfig = PostgresSource;
export type SourceKindName = SourceConfig['kind'];

export type LanguageModelConfig =
  | { readonly kind: 'extractive' }
  | {
      readonly kind: 'openai-compatible';
      readonly baseUrl: string;
      readonly model: string;
      readonly apiKey?: string;
      readonly price?: { readonly inputPerMillionUsd: string; readonly outputPerMillionUsd: string };
    };

export interface FreshetConfig {
  readonly sources: Readonly<Record<string, SourceConfig>>;
  readonly agents: readonly AgentDefinition[];
  readonly languageModel: LanguageModelConfig;
  readonly embedding: { readonly model: 'all-minilm-l6-v2' | 'feature-hash-384'; readonly workers: number };
  readonly chunking: { readonly maxTokens: number; readonly overlapTokens: number };
  readonly gates: { readonly maxTextCharacters: number };
  readonly freshness: { readonly targetMs: number; readonly objective: number };
  readonly runtime: { readonly concurrency: number };
  /** The tenant of whoever works on this machine without credentials and names none. */
  readonly localTenant: string;
}

type Writable = Pick<FreshetConfig, 'sources' | 'agents'> & {
  readonly [Key in Exclude<keyof FreshetConfig, 'sources' | 'agents'>]?:
    | Partial<FreshetConfig[Key]>
    | FreshetConfig[Key];
};

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
const decimal = z.string().regex(/^\d{1,9}(\.\d{1,12})?$/, 'an exact decimal such as "0.50"');
/** The part of every source that does not depend on its kind. */
const SOURCE_SETTINGS = {
  tables: z.record(
    z.string().regex(/^[^.]+\.[^.]+$/, 'schema.table'),
    z.strictObject({ title: callable, text: callable, tenant: callable, metadata: callable.optional() }),
  ),
};
const SCHEMA = z.strictObject({
  sources: z.record(
    name,
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('postgres'),
        url: z.union([
          z.literal('sample'),
          z.string().regex(/^postgres(ql)?:\/\//, 'postgres://user:password@host:port/database'),
        ]),
        ...SOURCE_SETTINGS,
      }),
    ]),
  ),
  agents: z.array(
    z.strictObject({
      name,
      version: z.string().min(1),
      instructions: z.string().min(1),
      retrieve: z
        .strictObject({ topK: z.int().min(1).max(100), filter: z.record(z.string(), z.string()).optional() })
        .optional(),
      tools: z.array(z.custom<object>((value) => typeof value === 'object' && value !== null)).optional(),
      limits: z
        .strictObject({
          maxSteps: z.int().min(1).max(1_000),
          maxUsd: decimal,
          maxMs: z.int().min(1),
          maxOutputTokens: z.int().min(1),
        })
        .partial()
        .optional(),
    }),
  ),
  languageModel: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('extractive') }),
      z.strictObject({
        kind: z.literal('openai-compatible'),
        baseUrl: z.url(),
        model: z.string().min(1),
        apiKey: z.string().optional(),
        price: z.strictObject({ inputPerMillionUsd: decimal, outputPerMillionUsd: decimal }).optional(),
      }),
    ])
    .default({ kind: 'extractive' }),
  embedding: z
    .strictObject({
      model: z.enum(['all-minilm-l6-v2', 'feature-hash-384']).default('all-minilm-l6-v2'),
      workers: z.int().min(1).max(64).default(1),
    })
    .prefault({}),
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
  gates: z.strictObject({ maxTextCharacters: z.int().min(1).default(200_000) }).prefault({}),
  freshness: z
    .strictObject({
      targetMs: z.int().min(1).default(5_000),
      objective: z.number().min(0.5).max(0.999999).default(0.9999),
    })
    .prefault({}),
  runtime: z.strictObject({ concurrency: z.int().min(1).max(10_000).default(32) }).prefault({}),
  localTenant: z.string().min(1).default('default'),
});

/** Checks a configuration as a whole and fills its defaults. Throws `config-invalid`, naming the first wrong place. */
export const parseConfig = (value: unknown): FreshetConfig => {
  const parsed = SCHEMA.safeParse(value);
  if (parsed.success) return parsed.data as unknown as FreshetConfig;
  const issue = parsed.error.issues[0];
  throw new FreshetError(
    'config-invalid',
    `freshet.config.ts: ${issue?.path.join('.') || 'the configuration'}: ${issue?.message ?? 'is invalid'}`,
  );
};

export const defineConfig = (config: Writable): FreshetConfig => parseConfig(config);
