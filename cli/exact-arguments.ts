import { printable } from './output.ts';

/** What shows as nothing, or turns the direction of what follows; the blank of Braille is a letter to Unicode. */
const UNSEEN = /[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/**
 * The arguments of a call as a person is to agree to them: JSON, all of it, in which everything shows. What stood behind the end of a line,
 * or was not seen in it, would be agreed to all the same.
 */
export const exactArguments = (value: unknown): string =>
  printable(
    (JSON.stringify(value) ?? 'null').replace(UNSEEN, (sign) =>
      Array.from(
        { length: sign.length },
        (_, at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, '0')}`,
      ).join(''),
    ),
  );
