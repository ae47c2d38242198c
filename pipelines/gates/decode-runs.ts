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

/** A run goes on over a line break, as mail programs break base64. */
export const decodeRuns = (text: string): readonly DecodedRun[] => {
  const runs: DecodedRun[] = [];
  let start = -1;
  const close = (end: number): void => {
    if (start >= 0 && end - start >= LEAST_CHARACTERS) {
      const run = text.slice(start, end).replaceAll('\n', '').replaceAll('\r', '');
      const decoded = readable(Buffer.from(run, isHexadecimal(run) ? 'hex' : 'base64'));
      if (decoded !== undefined) runs.push({ start, end, text: decoded });
    }
    start = -1;
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
