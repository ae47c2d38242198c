/**
 * Private keys between their BEGIN and END lines, whatever stands there: line breaks written as `\n` in JSON, headers, quotes of a
 * program. One pass: a search from each BEGIN for its END would read a text of BEGINs again and again.
 */
import { type LinearPattern, linearPattern, type Span } from './linear-pattern.ts';

const EDGES = linearPattern('-----(?:BEGIN|END) (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----', [
  'PRIVATE KEY',
]);
/** A key of 16,384 bits has 13,000; an END further off closes something else. */
const MOST_CHARACTERS = 16_384;
/** What a key that is cut short goes on with. */
const BODY = /[A-Za-z0-9+/=\s\\:,.()-]*/y;

const bodyEnd = (text: string, from: number, most: number): number => {
  BODY.lastIndex = from;
  BODY.exec(text);
  return Math.min(BODY.lastIndex, most);
};

const find: LinearPattern['find'] = (text, lower, most, steps) => {
  const edges = EDGES.find(text, lower, Number.POSITIVE_INFINITY, steps);
  const isEnd = ({ start }: Span): boolean => text.startsWith('-----END', start);
  const spans: Span[] = [];
  for (const [at, edge] of edges.entries()) {
    if (spans.length >= most) break;
    if (isEnd(edge)) continue;
    const next = edges[at + 1];
    const closed = next && isEnd(next) && next.start - edge.end <= MOST_CHARACTERS;
    const end = closed ? next.end : bodyEnd(text, edge.end, next?.start ?? text.length);
    spans.push({ start: edge.start, end });
  }
  return spans;
};

export const PRIVATE_KEY_PATTERN: LinearPattern = {
  anchors: EDGES.anchors,
  matches: EDGES.matches,
  find,
};
