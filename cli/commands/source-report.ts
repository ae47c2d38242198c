/** A source as GET /v1/sources says it, and what `freshet source` makes of it. */
import type { SourceKindName } from '../../schemas/config.ts';

export interface SourceReport {
  readonly source: string;
  readonly kind: SourceKindName;
  readonly state: string;
  readonly reason: string | null;
  readonly epoch: number | null;
  readonly connector: string;
  readonly retainedWalBytes: number | null;
  readonly lag: { readonly records: number; readonly seconds: number } | null;
  readonly tables: readonly {
    readonly table: string;
    readonly state: string;
    readonly reason: string | null;
    readonly since: string | null;
  }[];
}

export const SOURCE_VERBS = {
  snapshot: 'reads tables again beside the changes, and removes what is gone',
  pause: 'stops a source, or makes tables skip their changes',
  resume: 'goes on; what tables skipped is read again',
} as const;

export type SourceVerb = keyof typeof SOURCE_VERBS;

/**
 * Whether what was asked for shows. A table that is read again is live before and after, and its quick snapshot may never be
 * seen under way: it is done when it is live since another moment.
 */
export const showsDone = (
  verb: SourceVerb,
  tables: readonly string[] | undefined,
  before: SourceReport | undefined,
  now: SourceReport,
): boolean => {
  if (!tables) return now.state === (verb === 'pause' ? 'paused' : 'streaming');
  return tables.every((name) => {
    const was = before?.tables.find((each) => each.table === name);
    const is = now.tables.find((each) => each.table === name);
    if (verb === 'pause') return is?.state === 'paused';
    return is?.state === 'live' && (verb === 'resume' || is.since !== was?.since);
  });
};

/** `public.articles: snapshotting`, of the tables or of the source. */
export const progressOf = (
  { source, state, tables }: SourceReport,
  of: readonly string[] | undefined,
): string =>
  (of ? tables.filter(({ table }) => of.includes(table)) : [{ table: source, state }])
    .map((each) => `${each.table}: ${each.state}`)
    .join(', ');
