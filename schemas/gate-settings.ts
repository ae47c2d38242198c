/** What a table makes of the gates: defaults at the top of freshet.config.ts under `gates`, and what a table says otherwise. */
import { z } from 'zod';

export type Watch = 'off' | 'flag' | 'quarantine';

export const PERSONAL_DATA_KINDS = [
  'email',
  'phone',
  'payment-card',
  'bank-account',
  'social-security-number',
] as const;
export type PersonalDataKind = (typeof PERSONAL_DATA_KINDS)[number];

export interface GateSettings {
  /** Of a document that was good before: it stays searchable and is marked stale, or it goes. */
  readonly onRefusal: 'keep' | 'remove';
  /** title, text or metadata.<name>: none of them empty. */
  readonly required: readonly string[];
  /** Of the text, in UTF-16 code units. */
  readonly minTextCharacters: number;
  readonly maxTextCharacters: number;
  /** ISO 639-1 codes; none: any language. Texts too short to tell pass. */
  readonly language: { readonly allow: readonly string[]; readonly action: Watch };
  /** Within a tenant. `similarity` from 0.8 to 1 is the share of equal bits of a SimHash. */
  readonly duplicates: { readonly same: Watch; readonly near: Watch; readonly similarity: number };
  readonly secrets: Watch | 'redact';
  readonly personalData: { readonly action: Watch | 'redact'; readonly kinds: readonly PersonalDataKind[] };
  readonly instructions: Watch;
  /** A document further from its table's centroid than this many standard deviations, once so many chunks are known. */
  readonly drift: { readonly action: Watch; readonly deviations: number; readonly afterChunks: number };
  /** Deletes and emptied texts within a window, against the table's documents: past both limits the table is paused. */
  readonly volume: {
    readonly action: 'off' | 'pause';
    readonly windowMs: number;
    readonly atLeast: number;
    readonly share: number;
  };
}

type Partly<Of> = {
  readonly [Key in keyof Of]?: Of[Key] extends readonly unknown[] | string | number
    ? Of[Key]
    : Partial<Of[Key]>;
};
/** Whatever differs from the defaults. */
export type GateOverrides = Partly<GateSettings>;

const watch = z.enum(['off', 'flag', 'quarantine']);
const redacting = z.enum(['off', 'flag', 'redact', 'quarantine']);
const field = z.string().regex(/^(?:title|text|metadata\..+)$/, 'title, text or metadata.<name>');

const SHAPE = {
  onRefusal: z.enum(['keep', 'remove']).default('keep'),
  required: z.array(field).default(['text']),
  minTextCharacters: z.int().min(0).default(0),
  maxTextCharacters: z.int().min(1).default(200_000),
  language: z
    .strictObject({
      allow: z.array(z.string().regex(/^[a-z]{2}$/, 'an ISO 639-1 code such as "en"')).default([]),
      action: watch.default('quarantine'),
    })
    .prefault({}),
  duplicates: z
    .strictObject({
      same: watch.default('off'),
      near: watch.default('off'),
      similarity: z.number().min(0.8).max(1).default(0.95),
    })
    .prefault({}),
  secrets: redacting.default('redact'),
  personalData: z
    .strictObject({
      action: redacting.default('flag'),
      kinds: z
        .array(z.enum(PERSONAL_DATA_KINDS))
        .default(['payment-card', 'bank-account', 'social-security-number']),
    })
    .prefault({}),
  instructions: watch.default('flag'),
  drift: z
    .strictObject({
      action: watch.default('off'),
      deviations: z.number().min(1).max(100).default(6),
      afterChunks: z.int().min(10).default(500),
    })
    .prefault({}),
  volume: z
    .strictObject({
      action: z.enum(['off', 'pause']).default('pause'),
      windowMs: z.int().min(1_000).max(3_600_000).default(60_000),
      atLeast: z.int().min(1).default(1_000),
      share: z.number().min(0.01).max(1).default(0.5),
    })
    .prefault({}),
};

const lengthsFit = ({ minTextCharacters, maxTextCharacters }: GateSettings): boolean =>
  minTextCharacters <= maxTextCharacters;
const LENGTHS_FIT = 'minTextCharacters must not be above maxTextCharacters';

export const GATES_SCHEMA = z.strictObject(SHAPE).refine(lengthsFit, LENGTHS_FIT).prefault({});

/** The settings of a table: its own word, else the default of the configuration. Throws ZodError where they don't fit together. */
export const settingsOfTable = (defaults: GateSettings, overrides: GateOverrides = {}): GateSettings => {
  const merged: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(overrides)) {
    if (value === undefined) continue;
    const before = merged[name];
    const nested = typeof value === 'object' && !Array.isArray(value);
    merged[name] = nested && typeof before === 'object' ? { ...before, ...value } : value;
  }
  return GATES_SCHEMA.parse(merged) as GateSettings;
};

/** Overrides as they stand in a table's mapping: every name known, none required; values are checked when they are merged. */
export const GATE_OVERRIDES_SCHEMA = z.custom<GateOverrides>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).every((name) => Object.hasOwn(SHAPE, name)),
  `knows only ${Object.keys(SHAPE).join(', ')}`,
);
