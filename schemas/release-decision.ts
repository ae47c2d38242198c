/**
 * What becomes of a version of a document by a person's word, as a record of freshet.control: kind `release`, name the document id.
 * It is bound to the version that stands, and a release also to the content, so that it lets nothing else pass.
 */
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
  /** Of freshet.documents. */
  readonly partition: number;
}

/** True where a person let this very content of the document pass. */
export type IsReleased = (documentId: string, contentHash: string) => boolean;

export const releasedBy = (decision: ReleaseDecision | undefined, contentHash: string): boolean =>
  decision?.action === 'release' && decision.contentHash === contentHash && contentHash !== '';

export const controlKeyOf = (documentId: string): string => `release:${documentId}`;

export const controlOf = (
  { documentId, action, version, contentHash, partition }: ReleaseDecision,
  facts: { readonly id: string; readonly by: string; readonly reason: string | null; readonly at: number },
): Control => ({
  kind: 'release',
  name: documentId,
  action,
  values: { version, contentHash, partition: String(partition) },
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
    partition,
  };
};
