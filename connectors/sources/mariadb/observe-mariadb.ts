import type { ConnectorOffset } from '../../debezium/connect-api.ts';
import type { ObservedSource, SourceLoss } from '../source-kind.ts';
import { withMariaDb } from './mariadb-connection.ts';
import { parseBinlogPosition } from './mariadb-position.ts';
import { readVariables, serverIdentity } from './server-variables.ts';

/** The first event of every binlog file. */
const FILE_BEGIN = 4;

/** A server's binlog: it is kept for all readers alike, by age. Errors: `source-unavailable`. */
export const observeMariaDb = ({ url }: { readonly url: string }): Promise<ObservedSource> =>
  withMariaDb(url, async (connection) => {
    const identity = serverIdentity(await readVariables(connection));
    const [end] = await connection.query<{ File: string; Position: bigint }[]>('show master status');
    const [first] = await connection.query<{ Log_name: string }[]>('show binary logs');
    return {
      identity,
      heldFrom: first ? `${first.Log_name}:${FILE_BEGIN}` : undefined,
      discarded: false,
      end: end ? `${end.File}:${end.Position}` : '',
      retainedBytes: null,
    };
  });

const isBefore = (a: readonly bigint[], b: readonly bigint[]): boolean => {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at >= 0 && (a[at] ?? 0n) < (b[at] ?? 0n);
};

/** RESET MASTER and a restore both end the log before what was read; a purge takes away what was not. Pure. */
export const mariadbLoss = (
  observed: ObservedSource,
  offset: ConnectorOffset | undefined,
): SourceLoss | undefined => {
  const { file, pos } = offset?.offset ?? {};
  if (typeof file !== 'string' || typeof pos !== 'bigint') return undefined;
  const reached = parseBinlogPosition(`${file}:${pos}`);
  if (observed.end === '' || observed.heldFrom === undefined) return 'place-missing';
  if (isBefore(parseBinlogPosition(observed.end), reached)) return 'database-restored';
  return isBefore(reached, parseBinlogPosition(observed.heldFrom)) ? 'place-discarded' : undefined;
};
