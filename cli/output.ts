/** How commands print: tables for people, JSON for programs; data to stdout, talk to stderr. */

export interface Output {
  readonly json: boolean;
  /** One value: JSON with --json, otherwise what `text` makes of it. */
  print<T>(value: T, text: (value: T) => string): void;
  /** One of many as they come: a line of JSON, or a line of text. */
  stream<T>(value: T, text: (value: T) => string): void;
  talk(text: string): void;
}

export const createOutput = (json: boolean): Output => ({
  json,
  print: (value, text) =>
    void process.stdout.write(`${json ? JSON.stringify(value, null, 2) : text(value)}\n`),
  stream: (value, text) => void process.stdout.write(`${json ? JSON.stringify(value) : text(value)}\n`),
  talk: (text) => void process.stderr.write(`${text}\n`),
});

// A row's text may hold anything; a terminal would obey its escape sequences.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

export const printable = (text: string): string => text.replace(CONTROL, '\u00b7');

export const oneLine = (text: string, width: number): string => {
  const flat = printable(text).replace(/\s+/g, ' ').trim();
  return flat.length > width ? `${flat.slice(0, width - 1)}…` : flat;
};

/** Columns as wide as their widest cell; the last one is not padded. */
export const table = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  // A line break in a cell, as a task id of Kafka's may hold, would make a row of its own.
  const all = [header, ...rows].map((row) => row.map((cell) => printable(cell).replace(/\s*\n\s*/g, ' ')));
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
};

/** 120 KB, 5.0 MB, 40.0 GB. */
export const size = (bytes: number): string => {
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} KB`;
  return bytes < 999_950_000 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
};

/** 12 ms, 3.4 s, 5 min, 2 h, 3 d. */
export const duration = (ms: number | null | undefined): string => {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1_000) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 86_400_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
};
