/** Where a change stands in MariaDB's binlog, and how positions are written. Pure. */
import { FreshetError } from '../../../schemas/errors.ts';
import { type ConnectorOffset, isOfSnapshot } from '../../debezium/connect-api.ts';
import type { ChangeOrigin, ChangePosition } from '../source-kind.ts';

/** The number at the end of a binlog file's name: `binlog.000012`. It is wider than six digits once a million are passed. */
const FILE = /^.+\.(\d{1,15})$/;

const fileNumber = (file: string | null | undefined): bigint => {
  const [, digits] = FILE.exec(file ?? '') ?? [];
  if (digits === undefined) throw new RangeError(`no binlog file: ${file ?? 'none'}`);
  return BigInt(digits);
};

/**
 * Rule V for MariaDB: (binlog file number, position of the event, row in the event). The binlog is written at commit, one
 * transaction after the other, so this is the order of commits. A read of the initial snapshot is (0, file, position):
 * files count from 1, so any streamed change is newer. Incremental reads come in stream order and carry its positions.
 */
export const mariadbChangePosition = (
  origin: Pick<ChangeOrigin, 'snapshot' | 'file' | 'pos' | 'row'>,
): ChangePosition => {
  const file = fileNumber(origin.file);
  const position = origin.pos ?? 0n;
  const { snapshot } = origin;
  const streamed = [null, undefined, 'false', 'incremental'].includes(snapshot);
  if (!streamed) return [0n, file, position];
  // Without a position two changes of one row would be taken for the same one, and the later dropped.
  if (position === 0n) throw new RangeError('a streamed change without its position in the binlog');
  return [file, position, BigInt(origin.row ?? 0)];
};

const POSITION = /^(\S{1,255}\.\d{1,15}):(\d{1,19})$/;

/** A position as `file:offset`, as SHOW MASTER STATUS gives the two. @throws FreshetError `request-invalid` */
export const parseBinlogPosition = (text: string): readonly bigint[] => {
  const [, file, offset] = POSITION.exec(text) ?? [];
  if (file === undefined || offset === undefined)
    throw new FreshetError(
      'request-invalid',
      'a position of a MariaDB source is a binlog file and an offset in it, such as binlog.000003:4711, as SHOW MASTER STATUS gives them',
    );
  return [fileNumber(file), BigInt(offset)];
};

/**
 * What Kafka acknowledged (rule W): every transaction that ended at or below it. In the middle of a transaction Debezium
 * reports where that one begins. Undefined while the offset is a snapshot's, or there is none.
 */
export const acknowledgedBinlogPosition = (acknowledged: ConnectorOffset): string | undefined => {
  const { offset } = acknowledged;
  if (offset === null || isOfSnapshot(acknowledged)) return undefined;
  return typeof offset.file === 'string' && typeof offset.pos === 'bigint'
    ? `${offset.file}:${offset.pos}`
    : undefined;
};

/** Debezium's offset names the event that it has read to, whatever transaction that is of. */
export const mariadbHasPassed = ({ offset }: ConnectorOffset, position: readonly bigint[]): boolean => {
  if (typeof offset?.file !== 'string' || typeof offset.pos !== 'bigint') return false;
  const [file = 0n, at = 0n] = position;
  const reached = fileNumber(offset.file);
  return reached > file || (reached === file && offset.pos >= at);
};
