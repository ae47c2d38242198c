import { createHash } from 'node:crypto';
import type { SearchHit } from '../../../schemas/search.ts';
import { withoutRecollections } from './render-recollection.ts';

/** One retrieved chunk as a model sees it. */
export type Passage = {
  /** What the answer cites: [1], [2], … */
  readonly number: number;
  readonly documentId: string;
  readonly version: string;
  /** Age of the document's version when it was retrieved, in milliseconds; null when unknown. */
  readonly ageMs: number | null;
  readonly title: string;
  readonly text: string;
};

const LINE_BREAK = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;
const HEADER =
  /^\[(\d+)\] \(documentId=("(?:[^"\\]|\\.)*"), version=("(?:[^"\\]|\\.)*"), ageMs=(\d+|unknown)\) ?(.*)$/;
const BLOCK = /^<<<passages ([0-9a-f]{12})>>>\n([\s\S]*?)^<<<end of passages \1>>>$/gm;

/** The hits of a search as passages, numbered from 1 in the order of the hits. */
export const passagesFromHits = (hits: readonly SearchHit[]): readonly Passage[] =>
  hits.map(({ documentId, version, ageMs, title, text }, index) => ({
    number: index + 1,
    documentId,
    version,
    ageMs,
    title,
    text,
  }));

/**
 * Passages as a block of a prompt, best first:
 *
 *     <<<passages 5d41402abc4b>>>
 *     [1] (documentId="help:articles:7", version="0:12-3", ageMs=240) Returns
 *       The return window is 30 days.
 *     <<<end of passages 5d41402abc4b>>>
 *
 * Text is indented by two spaces, so that no line of it can be a header or a marker, and both markers carry a digest of
 * the block, which a text inside it cannot contain. Deterministic. Line breaks of other kinds become \n; nothing else
 * of the text changes. No passages give an empty string.
 */
export const renderPassages = (passages: readonly Passage[]): string => {
  if (passages.length === 0) return '';
  const body = passages.map(renderPassage).join('');
  const digest = digestOf(body);
  return `<<<passages ${digest}>>>\n${body}<<<end of passages ${digest}>>>`;
};

/** The passages of all blocks in a message, in order. A block whose digest is wrong is text, not passages. */
export const parsePassages = (content: string): readonly Passage[] =>
  Array.from(content.matchAll(BLOCK)).flatMap(([, digest, body = '']) =>
    digestOf(body) === digest ? parseBody(body) : [],
  );

/** What a message says outside its blocks of passages and of memories. */
export const textOutsidePassages = (content: string): string =>
  withoutRecollections(content)
    .replace(BLOCK, (block, digest: string, body: string) => (digestOf(body) === digest ? '' : block))
    .trim();

/** Text of a user made fit to stand beside passages: a line that begins like a marker is indented. */
export const escapeOutsidePassages = (text: string): string =>
  text.replace(LINE_BREAK, '\n').replace(/^<<</gm, ' <<<');

const digestOf = (body: string): string => createHash('sha256').update(body).digest('hex').slice(0, 12);

const renderPassage = (passage: Passage): string => {
  const title = passage.title.replace(LINE_BREAK, ' ').replaceAll('\n', ' ');
  const lines = passage.text.replace(LINE_BREAK, '\n').split('\n');
  const origin = `documentId=${JSON.stringify(passage.documentId)}, version=${JSON.stringify(passage.version)}`;
  // A fraction or a clock gone back would not parse, and an unparsed header would lose the passage.
  const age =
    passage.ageMs !== null && Number.isFinite(passage.ageMs)
      ? Math.max(0, Math.round(passage.ageMs))
      : 'unknown';
  const header = `[${passage.number}] (${origin}, ageMs=${age}) ${title}`;
  return `${header}\n${lines.map((line) => `  ${line}\n`).join('')}`;
};

const parseBody = (body: string): readonly Passage[] => {
  const passages: { readonly header: Omit<Passage, 'text'>; readonly lines: string[] }[] = [];
  for (const line of body.split('\n').slice(0, -1)) {
    if (line.startsWith('  ')) {
      passages.at(-1)?.lines.push(line.slice(2));
      continue;
    }
    const [, number, documentId, version, age, title] = HEADER.exec(line) ?? [];
    if (documentId === undefined || version === undefined) continue;
    passages.push({
      header: {
        number: Number(number),
        documentId: String(JSON.parse(documentId)),
        version: String(JSON.parse(version)),
        ageMs: age === 'unknown' ? null : Number(age),
        title: title ?? '',
      },
      lines: [],
    });
  }
  return passages.map(({ header, lines }) => ({ ...header, text: lines.join('\n') }));
};
