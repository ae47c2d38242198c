/** Reads single metrics out of the JSON metrics of other roles. Pure; what does not look like one is passed over. */
import { LAG_STAGES, type LagStage } from '../../schemas/lag-stages.ts';

/** What one process of another role answered. */
export interface RoleMetrics {
  /** Host and port. */
  readonly at: string;
  /** pipeline, index or agents, as it said itself, now or before; null: it has not answered yet. */
  readonly role: string | null;
  /** Its JSON metrics; undefined: it does not answer. */
  readonly metrics: unknown;
}

export interface RecordCounter {
  readonly stage: string;
  readonly outcome: string;
  readonly count: number;
}

export interface Sample {
  readonly labels: Readonly<Record<string, unknown>>;
  readonly value: number;
  /** Of a histogram's: of its bucket, sum or count. */
  readonly metricName?: string;
}

export const isSample = (each: unknown): each is Sample => {
  const { labels, value } = (each ?? {}) as Partial<Sample>;
  return typeof value === 'number' && typeof labels === 'object' && labels !== null;
};

export const samplesOf = (
  roles: readonly Pick<RoleMetrics, 'metrics'>[],
  wanted: string,
): readonly Sample[] =>
  roles
    .flatMap(({ metrics }) => (Array.isArray(metrics) ? (metrics as unknown[]) : []))
    .flatMap((metric) => {
      const { name, values } = (metric ?? {}) as { readonly name?: unknown; readonly values?: unknown };
      return name === wanted && Array.isArray(values) ? (values as unknown[]) : [];
    })
    .filter(isSample);

/** The role that a process says it has. */
export const roleOf = (metrics: unknown): string | null => {
  const [sample] = samplesOf([{ metrics }], 'freshet_process_memory_bytes');
  return typeof sample?.labels.role === 'string' ? sample.labels.role : null;
};

export const countersOf = (roles: readonly RoleMetrics[]): readonly RecordCounter[] => {
  const counts = new Map<string, RecordCounter>();
  for (const { labels, value } of samplesOf(roles, 'freshet_records_total')) {
    const { stage, outcome } = labels;
    if (typeof stage !== 'string' || typeof outcome !== 'string') continue;
    const key = `${stage} ${outcome}`;
    counts.set(key, { stage, outcome, count: (counts.get(key)?.count ?? 0) + value });
  }
  return [...counts.values()];
};

/** Documents that a gate refused since the pipeline role started. */
export interface GateRefusals {
  readonly gate: string;
  readonly count: number;
}

/** The most first; null where a process of the pipeline role, or of no known one, does not answer: it may have refused more. */
export const gateRefusalsOf = (roles: readonly RoleMetrics[]): readonly GateRefusals[] | null => {
  const isAnswered = roles.some(({ role, metrics }) => role === 'pipeline' && metrics !== undefined);
  if (!isAnswered || silentIn('index-documents', roles).length > 0) return null;
  const counts = new Map<string, number>();
  for (const { labels, value } of samplesOf(roles, 'freshet_gate_refusals_total'))
    if (typeof labels.gate === 'string') counts.set(labels.gate, (counts.get(labels.gate) ?? 0) + value);
  return [...counts].map(([gate, count]) => ({ gate, count })).sort((a, b) => b.count - a.count);
};

/** Null where no process says it, or one of the stage is silent: it may be the one that is behind. */
export interface StageBacklog {
  readonly stage: LagStage;
  /** Processes of the stage, or of no known role, that do not answer. */
  readonly silent: readonly string[];
  /** Age of the oldest record that waits, in the process that is furthest behind. */
  readonly seconds: number | null;
  /** Of all processes; of replicas of the index, each of which reads everything, of the one with the most. */
  readonly records: number | null;
}

const ROLES: Readonly<Record<LagStage, string>> = {
  'index-documents': 'pipeline',
  'apply-index': 'index',
  agents: 'agents',
};

const silentIn = (stage: LagStage, roles: readonly RoleMetrics[]): readonly string[] =>
  roles.flatMap(({ at, role, metrics }) =>
    metrics === undefined && (role === null || role === ROLES[stage]) ? [`${role ?? 'a role'} at ${at}`] : [],
  );

const recordsIn = (stage: LagStage, counts: readonly number[]): number =>
  stage === 'apply-index' ? Math.max(...counts) : counts.reduce((sum, each) => sum + each, 0);

export const backlogOf = (roles: readonly RoleMetrics[]): readonly StageBacklog[] => {
  const valuesOf = (name: string, stage: string): readonly number[] =>
    samplesOf(roles, name).flatMap(({ labels, value }) => (labels.stage === stage ? [value] : []));
  return LAG_STAGES.map((stage) => {
    const seconds = valuesOf('freshet_consumer_lag_seconds', stage);
    const records = valuesOf('freshet_consumer_lag_records', stage);
    const silent = silentIn(stage, roles);
    return {
      ...{ stage, silent },
      seconds: silent.length > 0 || seconds.length === 0 ? null : Math.max(...seconds),
      records: silent.length > 0 || records.length === 0 ? null : recordsIn(stage, records),
    };
  });
};

/** Resident memory of all processes of a role, bytes; null where none answered. */
export const memoryOfRole = (roles: readonly RoleMetrics[], role: string): number | null => {
  const samples = samplesOf(roles, 'freshet_process_memory_bytes').filter(
    ({ labels }) => labels.role === role,
  );
  return samples.length === 0 ? null : samples.reduce((sum, { value }) => sum + value, 0);
};

/** What breakers of outside services stand at, by service, at its worst over all processes: 0 closed, 1 half open, 2 open. */
export const breakerGaugesOf = (roles: readonly RoleMetrics[]): ReadonlyMap<string, number> => {
  const worst = new Map<string, number>();
  for (const { labels, value } of samplesOf(roles, 'freshet_breaker_state')) {
    const { tool } = labels;
    if (typeof tool === 'string') worst.set(tool, Math.max(worst.get(tool) ?? 0, value));
  }
  return worst;
};
