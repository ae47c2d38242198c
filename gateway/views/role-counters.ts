/** Reads single metrics out of the JSON metrics of other roles. Pure; what does not look like one is passed over. */
import { LAG_STAGES, type LagStage } from '../../schemas/lag-stages.ts';

export interface RecordCounter {
  readonly stage: string;
  readonly outcome: string;
  readonly count: number;
}

interface Sample {
  readonly labels: Readonly<Record<string, unknown>>;
  readonly value: number;
}

const samplesOf = (roles: readonly unknown[], wanted: string): readonly Sample[] =>
  roles
    .flatMap((role) => (Array.isArray(role) ? (role as unknown[]) : []))
    .flatMap((metric) => {
      const { name, values } = (metric ?? {}) as { readonly name?: unknown; readonly values?: unknown };
      return name === wanted && Array.isArray(values) ? (values as unknown[]) : [];
    })
    .flatMap((each) => {
      const { labels, value } = (each ?? {}) as { readonly labels?: unknown; readonly value?: unknown };
      return typeof value === 'number' && typeof labels === 'object' && labels !== null
        ? [{ labels: labels as Readonly<Record<string, unknown>>, value }]
        : [];
    });

export const countersOf = (roles: readonly unknown[]): readonly RecordCounter[] => {
  const counts = new Map<string, RecordCounter>();
  for (const { labels, value } of samplesOf(roles, 'freshet_records_total')) {
    const { stage, outcome } = labels;
    if (typeof stage !== 'string' || typeof outcome !== 'string') continue;
    const key = `${stage} ${outcome}`;
    counts.set(key, { stage, outcome, count: (counts.get(key)?.count ?? 0) + value });
  }
  return [...counts.values()];
};

/** Null where no process says it. */
export interface StageBacklog {
  readonly stage: LagStage;
  /** Age of the oldest record that waits, in the process that is furthest behind. */
  readonly seconds: number | null;
  /** Of all processes; of replicas of the index, each of which reads everything, of the one with the most. */
  readonly records: number | null;
}

const recordsIn = (stage: LagStage, counts: readonly number[]): number =>
  stage === 'apply-index' ? Math.max(...counts) : counts.reduce((sum, each) => sum + each, 0);

export const backlogOf = (roles: readonly unknown[]): readonly StageBacklog[] => {
  const valuesOf = (name: string, stage: string): readonly number[] =>
    samplesOf(roles, name).flatMap(({ labels, value }) => (labels.stage === stage ? [value] : []));
  return LAG_STAGES.map((stage) => {
    const seconds = valuesOf('freshet_consumer_lag_seconds', stage);
    const records = valuesOf('freshet_consumer_lag_records', stage);
    return {
      stage,
      seconds: seconds.length === 0 ? null : Math.max(...seconds),
      records: records.length === 0 ? null : recordsIn(stage, records),
    };
  });
};

/** Resident memory of all processes of a role, bytes; null where none answered. */
export const memoryOfRole = (roles: readonly unknown[], role: string): number | null => {
  const samples = samplesOf(roles, 'freshet_process_memory_bytes').filter(
    ({ labels }) => labels.role === role,
  );
  return samples.length === 0 ? null : samples.reduce((sum, { value }) => sum + value, 0);
};

/** What breakers of outside services stand at, by service, at its worst over all processes: 0 closed, 1 half open, 2 open. */
export const breakerGaugesOf = (roles: readonly unknown[]): ReadonlyMap<string, number> => {
  const worst = new Map<string, number>();
  for (const { labels, value } of samplesOf(roles, 'freshet_breaker_state')) {
    const { tool } = labels;
    if (typeof tool === 'string') worst.set(tool, Math.max(worst.get(tool) ?? 0, value));
  }
  return worst;
};
