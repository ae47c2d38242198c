/** Stretches of base64 or hexadecimal that are text when decoded. Reads once; pure. */
export interface DecodedRun {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const LEAST_CHARACTERS = 24;
const LEAST_PRINTABLE = 0.9;
const LINE_BREAK = 10;

const isCode = (code: number): boolean =>
  (code >= 48 && code <= 57) ||
  (code >= 65 && code <= 90) ||
  (code >= 97 && code <= 122) ||
  code === 43 ||
  code === 47 ||
  code === 45 ||
  code === 95;
const isHexadecimal = (run: string): boolean => {
  for (let at = 0; at < run.length; at += 1) {
    const code = run.charCodeAt(at);
    if (!((code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102)))
      return false;
  }
  return run.length % 2 === 0;
};

const readable = (bytes: Buffer): string | undefined => {
  const text = bytes.toString('utf8');
  let printable = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 9 || code === 10 || code === 13 || (code >= 32 && code !== 127 && code !== 0xfffd))
      printable += 1;
  }
  return text.length > 0 && printable / text.length >= LEAST_PRINTABLE ? text : undefined;
};

/** Base64 is read four signs at a time: what stands before it decides where those begin. */
const ALIGNMENTS = [0, 1, 2, 3];
/** How often decodeRuns reads a character at most: a run as a whole, without its first line, and each line, at every alignment. */
export const DECODING_READS = 3 * ALIGNMENTS.length;

const decodedOf = (run: string): string | undefined => {
  for (const skipped of ALIGNMENTS) {
    const code = run.slice(skipped);
    const decoded = readable(Buffer.from(code, isHexadecimal(code) ? 'hex' : 'base64'));
    if (decoded !== undefined) return decoded;
  }
  return undefined;
};

/**
 * A run goes on over a line break, as mail programs break base64. A word at the end of the line before it looks like its
 * beginning: of what cannot be read as a whole, the lines after the first are read, and each by itself.
 */
export const decodeRuns = (text: string): readonly DecodedRun[] => {
  const runs: DecodedRun[] = [];
  let start = -1;
  const read = (from: number, to: number): boolean => {
    if (to - from < LEAST_CHARACTERS) return false;
    const decoded = decodedOf(text.slice(from, to).replace(/[\r\n]+/g, ''));
    if (decoded === undefined) return false;
    runs.push({ start: from, end: to, text: decoded });
    return true;
  };
  const close = (end: number): void => {
    const from = start;
    start = -1;
    if (from < 0 || read(from, end)) return;
    const lines = [...text.slice(from, end).matchAll(/[^\r\n]+/g)];
    const second = lines[1];
    if (!second || read(from + second.index, end)) return;
    for (const { index, 0: line } of lines) read(from + index, from + index + line.length);
  };
  for (let at = 0; at <= text.length; at += 1) {
    const code = at < text.length ? text.charCodeAt(at) : 32;
    if (isCode(code)) {
      if (start < 0) start = at;
    } else if (start >= 0) {
      const next = text.charCodeAt(at + 1);
      const broken = (code === LINE_BREAK && isCode(next)) || (code === 13 && next === LINE_BREAK);
      if (!broken) close(at);
    }
  }
  return runs;
};
