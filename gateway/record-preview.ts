import { withoutSecrets } from '../pipelines/gates/finding.ts';

const SHOWN_CHARACTERS = 4_096;
const SHOWN_BYTES_OF_BINARY = 256;
const READABLE = /[ -~]{6,}/g;
/** Read beyond what is shown, so that a secret at its edge is still whole. */
const MARGIN = 4_096;

/** The beginning of a text as people may see it: credentials and personal data taken out. */
export const textPreview = (text: string, characters = SHOWN_CHARACTERS): string =>
  withoutSecrets(text.slice(0, characters + MARGIN)).slice(0, characters);

/**
 * The beginning of a value as people may see it: as text, or as hexadecimal where it is none. There, every piece of readable text
 * is stars: strings of Avro stand side by side, so no pattern can tell where a credential begins and ends.
 */
export const recordPreview = (
  value: Buffer,
): { readonly text: string | null; readonly hex: string | null } => {
  const head = value.subarray(0, SHOWN_CHARACTERS + MARGIN);
  const read = head.toString('utf8');
  const broken = [...read].filter((character) => character === '\ufffd').length;
  if (broken <= 4) return { text: textPreview(read), hex: null };
  // Latin-1: a byte a letter.
  const shown = head.toString('latin1').replace(READABLE, (piece) => '*'.repeat(piece.length));
  return { text: null, hex: Buffer.from(shown, 'latin1').subarray(0, SHOWN_BYTES_OF_BINARY).toString('hex') };
};
