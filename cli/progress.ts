/** What people see while something prepares: one line a part, with its time. Goes to stderr, so that stdout stays data. */
export interface Progress {
  /** A part came to an end, or a step of it. */
  line(part: string, text: string): void;
  seconds(): string;
}

const PART_WIDTH = 14;

export const createProgress = (
  write: (text: string) => void = (text) => void process.stderr.write(text),
): Progress => {
  const begun = performance.now();
  const seconds = (): string => ((performance.now() - begun) / 1_000).toFixed(1);
  return {
    seconds,
    line: (part, text) => write(`  ${seconds().padStart(6)} s  ${part.padEnd(PART_WIDTH)} ${text}\n`),
  };
};
