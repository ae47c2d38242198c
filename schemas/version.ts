/**
 * Rule V: the version of a document is (epoch, source position), written as fixed-width hexadecimal so that text
 * order is version order in every store and language: `00000001-00000000016e3600-00000000016e3688`.
 * Two records with equal versions are the same change.
 */
export type Version = `${string}-${string}`;

const EPOCH_DIGITS = 8;
const PART_DIGITS = 16;
/** A position has two or three; the last is a repair's. */
const MOST_PARTS = 4;
const PATTERN = /^[0-9a-f]{8}(?:-[0-9a-f]{16}){2,4}$/;
/** Of a last part: no position of a source has it. */
const REVISION = /-ffffffff[0-9a-f]{8}$/;

/** The version of a change at a position of its source. Position parts are unsigned 64-bit integers, most significant first. */
export const makeVersion = (epoch: number, position: readonly [bigint, bigint, ...bigint[]]): Version => {
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > 0xffff_ffff) throw new RangeError(`epoch ${epoch}`);
  const parts = position.map((part) => {
    if (part < 0n || part > 0xffff_ffff_ffff_ffffn) throw new RangeError(`position part ${part}`);
    return part.toString(16).padStart(PART_DIGITS, '0');
  });
  return `${epoch.toString(16).padStart(EPOCH_DIGITS, '0')}-${parts.join('-')}`;
};

/**
 * The version of a repair: newer than the one it mends, older than every other that is newer than that one. A change that
 * the source commits later beats it, for its position is above that of any change before (decision 13).
 */
export const repairVersion = (mended: Version): Version => {
  const { position } = parseVersion(mended);
  const last = position.at(-1) ?? 0n;
  return position.length < MOST_PARTS
    ? `${mended}-${'1'.padStart(PART_DIGITS, '0')}`
    : `${mended.slice(0, -PART_DIGITS - 1)}-${(last + 1n).toString(16).padStart(PART_DIGITS, '0')}`;
};

/** Negative when a is older than b, positive when newer, 0 when they are the same change. */
export const compareVersions = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Positions of one epoch say nothing of those of another. */
export const isSameEpoch = (a: string, b: string): boolean =>
  a.slice(0, EPOCH_DIGITS) === b.slice(0, EPOCH_DIGITS);

export const isVersion = (text: string): text is Version => PATTERN.test(text);

/** Epoch and position of a version. Throws RangeError on any other text. */
export const parseVersion = (
  text: string,
): { readonly epoch: number; readonly position: readonly bigint[] } => {
  if (!isVersion(text)) throw new RangeError(`not a version: ${text}`);
  const [epoch = '0', ...parts] = text.split('-');
  return { epoch: Number.parseInt(epoch, 16), position: parts.map((part) => BigInt(`0x${part}`)) };
};

/**
 * The version of a change that is taken through once more: as a repair's, above what it goes on from and below every other
 * change after it, and told apart from one, for whoever asked for it is not to be counted as a slow commit.
 */
export const revisionAfter = (version: Version): Version => {
  const next = repairVersion(version);
  return isRevision(next) ? next : (`${next.slice(0, -PART_DIGITS)}ffffffff${next.slice(-8)}` as Version);
};

export const isRevision = (version: string): boolean => REVISION.test(version);
