/**
 * Data from outside as a block of a prompt. Nothing of it can close the block or stand as part of its frame: texts are set in by
 * two spaces, so that no line of one is a header or a mark; everything else from outside is a quoted string on a header's
 * line, with what does not print escaped; and both marks carry a digest of the block, which a text inside it cannot contain. Pure.
 */
import { createHash } from 'node:crypto';

const LINE_BREAK = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;
/** What prints as nothing, or turns the direction of what follows: in a header it could hide where the header ends. */
const UNPRINTED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** `body`: whole lines. */
export const fenced = (kind: 'passages' | 'memories' | 'result', body: string): string => {
  const digest = digestOf(body);
  return `<<<${kind} ${digest}>>>\n${body}<<<end of ${kind} ${digest}>>>`;
};

/** Of what stands between two marks. */
export const digestOf = (body: string): string =>
  createHash('sha256').update(body).digest('hex').slice(0, 12);

/** Line breaks of other kinds become \n; nothing else changes. */
export const withPlainBreaks = (text: string): string => text.replace(LINE_BREAK, '\n');

export const setIn = (text: string): string =>
  withPlainBreaks(text)
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('');

/** A JSON string in which everything prints; JSON.parse gives the text back. */
export const quoted = (text: string): string =>
  JSON.stringify(text).replace(UNPRINTED, (sign) =>
    Array.from({ length: sign.length }, (_, at) => escapeOf(sign.charCodeAt(at))).join(''),
  );

const escapeOf = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
