/** Whether updates and deletes of a published table name its rows by the primary key. Postgres refuses them where nothing names a row. */

/** Of a table, or of one of its partitions: Postgres asks the partition that holds the row. */
export interface ReplicaIdentity {
  /** As a statement names it. */
  readonly table: string;
  /** pg_class.relreplident: d(efault), f(ull), i(ndex), n(othing). */
  readonly identity: string;
  /** Whether the primary key is checked at once; null without one. A deferrable key is no replica identity. */
  readonly immediate: boolean | null;
  /** Whether the index that was chosen names all columns of the primary key, whatever else it names. */
  readonly covered: boolean | null;
}

/** The log carries none of the columns that an index only includes. */
const columnsOf = (index: string): string => `(${index}.indkey::int2[])[0:${index}.indnkeyatts - 1]`;

/** A column of a query over pg_class as `c`. */
export const REPLICA_IDENTITIES = `
  (WITH RECURSIVE part AS (
          SELECT c.oid UNION ALL
          SELECT p.oid FROM part JOIN pg_inherits i ON i.inhparent = part.oid
                                 JOIN pg_class p ON p.oid = i.inhrelid AND p.relispartition)
   SELECT json_agg(json_build_object('table', p.oid::regclass::text, 'identity', p.relreplident,
                                     'immediate', k.indimmediate, 'covered', ${columnsOf('k')} <@ ${columnsOf('r')})
                   ORDER BY p.oid)
     FROM part JOIN pg_class p ON p.oid = part.oid LEFT JOIN pg_index k ON k.indrelid = p.oid AND k.indisprimary
                                                   LEFT JOIN pg_index r ON r.indrelid = p.oid AND r.indisreplident)`;

const WOULD_FAIL = 'its updates and deletes would fail once it is published';

const whyNot = ({ identity, immediate, covered }: ReplicaIdentity): string | undefined => {
  if (identity === 'f' || (identity === 'i' && covered) || (identity === 'd' && immediate)) return undefined;
  if (identity === 'n') return `has the replica identity NOTHING: ${WOULD_FAIL}`;
  if (identity === 'i')
    return 'has a replica identity without all of its primary key: its deletes would name no row';
  return `has a deferrable primary key, which is no replica identity: ${WOULD_FAIL}`;
};

/** What is wrong with a table that has a primary key, and the statements that mend it. Pure. */
export const identityTrouble = (
  identities: readonly ReplicaIdentity[],
): { readonly said: string; readonly change: string } | undefined => {
  const wrong = identities.filter((each) => whyNot(each) !== undefined);
  const [first] = wrong;
  const said = first && whyNot(first);
  if (said === undefined) return undefined;
  const change = wrong.map(
    ({ table, immediate }) => `ALTER TABLE ${table} REPLICA IDENTITY ${immediate ? 'DEFAULT' : 'FULL'};`,
  );
  return { said, change: change.join(' ') };
};
