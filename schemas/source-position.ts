/**
 * Positions of sources as people and programs write them: a Postgres LSN (`0/16E3688`, from pg_current_wal_lsn()) or a
 * binlog position (`mariadb-bin.000007:4711`). Their shape says which, so a position is compared without knowing the source.
 */

const LSN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;
const BINLOG = /^[^\s:]{1,255}\.(\d{1,10}):(\d{1,15})$/;
const PART_DIGITS = 16;

const part = (value: bigint): string => value.toString(16).padStart(PART_DIGITS, '0');

/** Fixed-width text whose order is the order of positions; undefined where the text is no position. */
export const positionOrder = (text: string): string | undefined => {
  const [, high, low] = LSN.exec(text) ?? [];
  if (high !== undefined && low !== undefined)
    return `lsn-${part((BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`))}`;
  const [, file, at] = BINLOG.exec(text) ?? [];
  return file === undefined || at === undefined
    ? undefined
    : `binlog-${part(BigInt(file))}-${part(BigInt(at))}`;
};

/** Negative when a is before b; undefined where they are positions of different kinds, or none. */
export const comparePositions = (a: string, b: string): number | undefined => {
  const [left, right] = [positionOrder(a), positionOrder(b)];
  if (left === undefined || right === undefined || left.length !== right.length) return undefined;
  return left < right ? -1 : left > right ? 1 : 0;
};

/** How many bytes of a source's log lie between two positions; undefined where that cannot be said. */
export const bytesBetween = (from: string, to: string): number | undefined => {
  const [left, right] = [positionOrder(from), positionOrder(to)];
  if (!left || !right || left.length !== right.length) return undefined;
  const last = (order: string): bigint => BigInt(`0x${order.slice(-PART_DIGITS)}`);
  // Of two binlog files the length of the first is not known.
  if (left.slice(0, -PART_DIGITS) !== right.slice(0, -PART_DIGITS)) return undefined;
  const bytes = last(right) - last(left);
  return bytes > 0n ? Number(bytes) : 0;
};
