/** Two executions side by side: their steps in pairs, as far as they did the same kind of thing under the same name. Pure. */
import type { TimelineStep } from './timeline.ts';

export interface ComparedSide {
  readonly step: number;
  readonly kind: TimelineStep['kind'];
  readonly name: string | null;
  readonly state: TimelineStep['state'];
  readonly input: unknown;
  readonly output: unknown;
  readonly inputPayload: TimelineStep['inputPayload'];
  readonly outputPayload: TimelineStep['outputPayload'];
  readonly error: TimelineStep['error'];
  readonly costUsd: string | null;
  readonly durationMs: number;
}

export interface ComparedStep {
  /** Null: the other has no step for it. */
  readonly a: ComparedSide | null;
  readonly b: ComparedSide | null;
  /** What is not the same, of steps that stand in a pair. */
  readonly differs: readonly ('input' | 'output' | 'error')[];
}

const sideOf = (of: TimelineStep): ComparedSide => {
  const { step, kind, name, state, input, output, inputPayload, outputPayload, error } = of;
  const { costUsd, durationMs } = of;
  return {
    ...{ step, kind, name, state, input, output, inputPayload, outputPayload },
    ...{ error, costUsd, durationMs },
  };
};

const pairs = (a: TimelineStep, b: TimelineStep): boolean => a.kind === b.kind && a.name === b.name;

/** Lengths of the longest common subsequences of the two ends; caps of executions keep it small. */
const commonLengths = (a: readonly TimelineStep[], b: readonly TimelineStep[]): readonly number[][] => {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const [left, right] = [a[i], b[j]];
      const row = lengths[i] ?? [];
      row[j] =
        left && right && pairs(left, right)
          ? (lengths[i + 1]?.[j + 1] ?? 0) + 1
          : Math.max(lengths[i + 1]?.[j] ?? 0, row[j + 1] ?? 0);
    }
  return lengths;
};

/** Steps of both, in order; more than so many of either are not compared. */
export const MAX_COMPARED = 1_000;

export const compareTimelines = (
  all: readonly TimelineStep[],
  others: readonly TimelineStep[],
): readonly ComparedStep[] => {
  const a = all.slice(0, MAX_COMPARED);
  const b = others.slice(0, MAX_COMPARED);
  const lengths = commonLengths(a, b);
  const compared: ComparedStep[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (left && right && pairs(left, right)) {
      compared.push({ a: sideOf(left), b: sideOf(right), differs: differencesOf(left, right) });
      i += 1;
      j += 1;
    } else if (left && (!right || (lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0))) {
      compared.push({ a: sideOf(left), b: null, differs: [] });
      i += 1;
    } else if (right) {
      compared.push({ a: null, b: sideOf(right), differs: [] });
      j += 1;
    }
  }
  return compared;
};

const differencesOf = (a: TimelineStep, b: TimelineStep): ComparedStep['differs'] =>
  (['input', 'output', 'error'] as const).filter(
    (part) => JSON.stringify(withoutTimes(a[part])) !== JSON.stringify(withoutTimes(b[part])),
  );

/** Ages, times and receipts of two runs are never the same. */
const OF_THE_MOMENT = new Set(['ageMs', 'receipt', 'startedAt', 'score', 'at']);

const withoutTimes = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !OF_THE_MOMENT.has(key))
      .map(([key, each]) => [key, withoutTimes(each)]),
  );
};
