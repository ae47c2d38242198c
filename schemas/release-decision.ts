/**
 * What becomes of a version of a document by a person's word, as a record of freshet.control: kind `release`, name the document id.
 * It is bound to the version that stands, and a release also to the content, so that it lets nothing else pass.
 */
import { GATE_NAMES, type GateName } from './gates.ts';
import type { Control } from './records.ts';

export const RELEASE_ACTIONS = ['release', 'redrive', 'drop'] as const;
/** release: this content passes. redrive: the gates judge it again. drop: what was kept of before goes too. */
export type ReleaseAction = (typeof RELEASE_ACTIONS)[number];
/** Of what is refused; or of a result that is found, and shall be no more. */
const DECISIONS = [...RELEASE_ACTIONS, 'withdraw'] as const;

export interface ReleaseDecision {
  readonly documentId: string;
  readonly action: (typeof DECISIONS)[number];
  /** Of the refused marker, or of the result; of no effect where another stands by now. */
  readonly version: string;
  readonly contentHash: string;
  /** Which refused it; empty where none did. */
  readonly gate: string;
  /** Of freshet.documents. */
  readonly partition: number;
}

/** What a person let pass of a document. */
export interface Release {
  readonly contentHash: string;
  /** What this gate refuses passes, and what those before it do: what those behind it see nobody was shown. */
  readonly gate: GateName;
}

export type FindRelease = (documentId: string) => Release | undefined;

const LAST_GATE = GATE_NAMES[GATE_NAMES.length - 1] as GateName;

/** A decision that names no gate is an earlier release's, of all of them. */
export const releaseOf = (decision: ReleaseDecision | undefined): Release | undefined =>
  decision?.action === 'release' && decision.contentHash !== ''
    ? {
        contentHash: decision.contentHash,
        gate: GATE_NAMES.find((each) => each === decision.gate) ?? LAST_GATE,
      }
    : undefined;

const KEY_PREFIX = 'release:';

export const controlKeyOf = (documentId: string): string => `${KEY_PREFIX}${documentId}`;

/** Of whose decision the record is; undefined of every other record of freshet.control. */
export const documentOfControlKey = (key: string): string | undefined =>
  key.startsWith(KEY_PREFIX) ? key.slice(KEY_PREFIX.length) : undefined;

export const controlOf = (
  { documentId, action, version, contentHash, gate, partition }: ReleaseDecision,
  facts: { readonly id: string; readonly by: string; readonly reason: string | null; readonly at: number },
): Control => ({
  kind: 'release',
  name: documentId,
  action,
  values: { version, contentHash, gate, partition: String(partition) },
  ...facts,
});

/** Undefined for what is no release, or none that can be read. */
export const decisionOf = ({ kind, name, action, values }: Control): ReleaseDecision | undefined => {
  const known = DECISIONS.find((each) => each === action);
  const partition = Number(values.partition);
  if (kind !== 'release' || !known || !Number.isInteger(partition) || !values.version) return undefined;
  return {
    documentId: name,
    action: known,
    version: values.version,
    contentHash: values.contentHash ?? '',
    gate: values.gate ?? '',
    partition,
  };
};
