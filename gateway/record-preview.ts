import { withoutSecrets } from '../pipelines/gates/finding.ts';

const SHOWN_CHARACTERS = 4_096;
const SHOWN_BYTES_OF_BINARY = 256;
const LEAST_BYTES_OF_A_STRING = 6;
/** Printable characters of every script as their bytes in UTF-8, a letter of Latin-1 for each byte. */
const READABLE =
  /(?:[ -~]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})+/g;
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
  const shown = head
    .toString('latin1')
    .replace(READABLE, (piece) =>
      piece.length < LEAST_BYTES_OF_A_STRING ? piece : '*'.repeat(piece.length),
    );
  return { text: null, hex: Buffer.from(shown, 'latin1').subarray(0, SHOWN_BYTES_OF_BINARY).toString('hex') };
};
