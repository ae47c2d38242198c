/**
 * What a process has counted in all, over its restarts and while it is silent: sums over processes that go into one series never fall, as a
 * fall is a reset to whoever reads them, and all that was ever counted would come once more. Pure; what does not look like a metric is passed over.
 */
import { isSample, type Sample } from './role-counters.ts';

interface Metric {
  readonly name: string;
  readonly type: string;
  readonly values: readonly Sample[];
}

interface Series {
  readonly metric: Metric;
  readonly sample: Sample;
}

type Counts = ReadonlyMap<string, Series>;

export interface Counted {
  /** Of former processes in this place. */
  readonly carried: Counts;
  /** As it last answered. */
  readonly last: Counts;
}

export const NOTHING_COUNTED: Counted = { carried: new Map(), last: new Map() };

/** Gauges are what is now: of a process that is silent they are nothing. */
const COUNTS: ReadonlySet<string> = new Set(['counter', 'histogram']);

/** `answer`: the JSON metrics of a process, in the order that they were asked for. Where a count has fallen, it is another process. */
export const countedOn = ({ carried, last }: Counted, answer: unknown): Counted => {
  const now = countsOf(answer);
  const isAnother = [...last].some(([key, { sample }]) => (now.get(key)?.sample.value ?? 0) < sample.value);
  return { carried: isAnother ? sumOf(carried, last) : carried, last: now };
};

/** Its metrics with all that it has counted; `answer` undefined: it is silent. */
export const withCounted = ({ carried, last }: Counted, answer: unknown): readonly Metric[] => {
  const byName = new Map<string, { readonly metric: Metric; readonly values: Sample[] }>();
  for (const { metric, sample } of sumOf(last, carried).values()) {
    const known = byName.get(metric.name) ?? { metric, values: [] };
    byName.set(metric.name, known);
    known.values.push(sample);
  }
  const counts = [...byName.values()].map(({ metric, values }) => ({ ...metric, values }));
  return [...metricsOf(answer).filter(({ type }) => !COUNTS.has(type)), ...counts];
};

const sumOf = (first: Counts, second: Counts): Counts => {
  const sum = new Map(first);
  for (const [key, series] of second) {
    const value = (sum.get(key)?.sample.value ?? 0) + series.sample.value;
    sum.set(key, { metric: sum.get(key)?.metric ?? series.metric, sample: { ...series.sample, value } });
  }
  return sum;
};

const countsOf = (answer: unknown): Counts =>
  new Map(
    metricsOf(answer)
      .filter(({ type }) => COUNTS.has(type))
      .flatMap((metric) =>
        metric.values.map((sample) => [keyOf(metric, sample), { metric, sample }] as const),
      ),
  );

const keyOf = ({ name }: Metric, { metricName, labels }: Sample): string =>
  JSON.stringify([name, metricName, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);

const metricsOf = (answer: unknown): readonly Metric[] =>
  (Array.isArray(answer) ? (answer as unknown[]) : []).flatMap((each) => {
    const { name, type, values } = (each ?? {}) as Partial<Metric>;
    if (typeof name !== 'string' || typeof type !== 'string' || !Array.isArray(values)) return [];
    return [{ ...(each as Metric), values: values.filter(isSample) }];
  });
