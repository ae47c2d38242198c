/** The span that a gate saw, in the line it stands in, with carets beneath and in colour where the terminal has any. */
import { printable } from './output.ts';

export interface ShownSpan {
  readonly field: string;
  readonly start: number;
  readonly end: number;
  readonly excerpt: string;
  readonly excerptStart: number;
  readonly excerptEnd: number;
}

const MARGIN = '  ';
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;
const RED = '\u001b[31;1m';
const PLAIN = '\u001b[0m';

/** On one line, one column a character: what does not print, and what prints as nothing, is a dot. */
const flat = (text: string): string => printable(text.replace(/[\t\n\r]/g, ' ')).replace(INVISIBLE, '\u00b7');

/** Columns, not code units: an emoji is one character and takes two units. */
const columns = (text: string): number => [...text].length;

export const spanShown = (span: ShownSpan, colour: boolean): readonly string[] => {
  const before = flat(span.excerpt.slice(0, span.excerptStart));
  const within = flat(span.excerpt.slice(span.excerptStart, span.excerptEnd));
  const after = flat(span.excerpt.slice(span.excerptEnd));
  const shown = colour ? `${RED}${within}${PLAIN}` : within;
  return [
    `${span.field}, characters ${span.start} to ${span.end}`,
    `${MARGIN}${before}${shown}${after}`,
    `${MARGIN}${' '.repeat(columns(before))}${'^'.repeat(Math.max(1, columns(within)))}`,
  ];
};
