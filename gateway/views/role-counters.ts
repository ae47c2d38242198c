/** Reads freshet_records_total out of the JSON metrics of other roles. Pure; what does not look like it is passed over. */
export interface RecordCounter {
  readonly stage: string;
  readonly outcome: string;
  readonly count: number;
}

const RECORDS = 'freshet_records_total';

export const countersOf = (roles: readonly unknown[]): readonly RecordCounter[] => {
  const counts = new Map<string, RecordCounter>();
  for (const metric of roles.flatMap((role) => (Array.isArray(role) ? (role as unknown[]) : []))) {
    const { name, values } = (metric ?? {}) as { readonly name?: unknown; readonly values?: unknown };
    if (name !== RECORDS || !Array.isArray(values)) continue;
    for (const each of values as unknown[]) {
      const { labels, value } = (each ?? {}) as {
        readonly labels?: { readonly stage?: unknown; readonly outcome?: unknown };
        readonly value?: unknown;
      };
      if (
        typeof value !== 'number' ||
        typeof labels?.stage !== 'string' ||
        typeof labels.outcome !== 'string'
      )
        continue;
      const { stage, outcome } = labels;
      const key = `${stage} ${outcome}`;
      counts.set(key, { stage, outcome, count: (counts.get(key)?.count ?? 0) + value });
    }
  }
  return [...counts.values()];
};
