/** What a bench is: a name, what it measures, and figures. Results are kept with the machine's facts. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface Figure {
  readonly value: number;
  readonly unit: string;
  /** The figure to reach, where there is one: `value` must not be above (or below, for at-least). */
  readonly target?: { readonly atMost: number } | { readonly atLeast: number };
}

export type Figures = Readonly<Record<string, Figure>>;

/** What the command line asks of a bench; one that has no use for it takes no notice. */
export interface BenchOptions {
  /** The how manieth run this is, from 1. */
  readonly run: number;
  readonly seconds?: number;
  /** Changes a second. */
  readonly rate?: number;
  readonly rows?: number;
}

export interface Bench {
  readonly name: string;
  readonly measures: string;
  /** Each run is a whole one; the median of each figure over the runs is given. */
  readonly runs: number;
  readonly run: (
    tell: (line: string) => void,
    signal: AbortSignal,
    options: BenchOptions,
  ) => Promise<Figures>;
}

export const machineFacts = (): Readonly<Record<string, string | number>> => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.versions.node,
  os: `${process.platform} ${process.arch}`,
  loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
});

/** Of edits before those that count: processes that have just started run code that nobody has compiled yet. */
export const WARM_UP_SECONDS = 10;

/** Value at a percentile (0 to 100) of samples, nearest rank. */
export const percentile = (samples: readonly number[], at: number): number => {
  const sorted = [...samples].sort((a, b) => a - b);
  return (
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((at / 100) * sorted.length) - 1))] ?? Number.NaN
  );
};

const median = (values: readonly number[]): number => percentile(values, 50);

/** The median of each figure over several runs. */
export const medianFigures = (runs: readonly Figures[]): Figures => {
  const [first] = runs;
  return Object.fromEntries(
    Object.entries(first ?? {}).map(([name, figure]) => [
      name,
      { ...figure, value: Number(median(runs.map((run) => run[name]?.value ?? Number.NaN)).toFixed(3)) },
    ]),
  );
};

export const isReached = ({ value, target }: Figure): boolean =>
  target === undefined || ('atMost' in target ? value <= target.atMost : value >= target.atLeast);

export const keepResult = (name: string, result: unknown): string => {
  const folder = fileURLToPath(new URL('../results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${name}.json`;
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  return file;
};
