/**
 * A gate judges a document before it is embedded: it lets it pass, takes something out, flags it or refuses it. Every gate is
 * pure, one file, of this one shape; run-gates.ts runs them in the order of GATE_REASONS.
 */
import type { GateSettings } from '../../schemas/gate-settings.ts';
import type { GateName, GateReason } from '../../schemas/gates.ts';
import type { Draft } from '../index-documents/draft.ts';

/** Where a gate saw something: `start` and `end` in UTF-16 code units of the field; equal where there is no one place. */
export interface Sighting {
  readonly reason: GateReason;
  /** title, text, tenant or metadata.<name> */
  readonly field: string;
  readonly start: number;
  readonly end: number;
  /** For people; holds nothing of the text. */
  readonly detail: string;
}

export type Verdict =
  | { readonly kind: 'pass' }
  /** What it saw is taken out of the draft that goes on. */
  | { readonly kind: 'redact'; readonly draft: Draft; readonly sightings: readonly Sighting[] }
  | { readonly kind: 'flag'; readonly sightings: readonly Sighting[] }
  | { readonly kind: 'quarantine'; readonly sightings: readonly [Sighting, ...Sighting[]] };

/** Documents of the same tenant that look alike, by fingerprint. */
export interface Lookalikes {
  /** Ids of other documents, the first that are found. */
  find(
    tenant: string,
    documentId: string,
    fingerprint: Buffer,
    leastEqualBits: number,
  ): Lookalike | undefined;
}
export interface Lookalike {
  readonly documentId: string;
  readonly same: boolean;
}

export interface GateContext {
  readonly settings: GateSettings;
  readonly documentId: string;
  readonly lookalikes: Lookalikes;
  /** Told how many characters a gate reads: what a hostile text may cost is bounded by a test that counts them. */
  readonly steps: (characters: number) => void;
}

export interface Gate {
  readonly name: GateName;
  /** Throws nothing, whatever the text. */
  readonly judge: (draft: Draft, context: GateContext) => Verdict;
}

export const PASS: Verdict = { kind: 'pass' };

/** The fields of a draft that hold text of people, with their names. */
export const fieldsOf = (draft: Draft): readonly (readonly [string, string])[] => [
  ['title', draft.title],
  ['text', draft.text],
  ...Object.entries(draft.metadata).map(([name, value]) => [`metadata.${name}`, value] as const),
];

export const fieldOf = (draft: Draft, field: string): string =>
  field === 'title' || field === 'text' || field === 'tenant'
    ? draft[field]
    : (draft.metadata[field.slice('metadata.'.length)] ?? '');

/** What was seen and what is to be done about it → the verdict. */
export const verdictOf = (action: 'off' | 'flag' | 'quarantine', sightings: readonly Sighting[]): Verdict => {
  const [first, ...more] = sightings;
  if (!first || action === 'off') return PASS;
  return action === 'flag'
    ? { kind: 'flag', sightings }
    : { kind: 'quarantine', sightings: [first, ...more] };
};
