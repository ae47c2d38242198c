/** Where a change stands in Postgres's log, and how positions are written. Pure. */
import { FreshetError } from '../../../schemas/errors.ts';
import { type ConnectorOffset, isOfSnapshot } from '../../debezium/connect-api.ts';
import type { ChangeOrigin, ChangePosition } from '../source-kind.ts';

/**
 * Rule V for Postgres: (commit before it, its own LSN), with 1 for a streamed change without the first, and
 * (0, snapshot LSN) for a read of the initial snapshot: any streamed change is newer than any snapshot read. An incremental
 * snapshot's reads come in stream order, at the position of the signal that closed their window.
 */
export const postgresChangePosition = (
  origin: Pick<ChangeOrigin, 'snapshot' | 'sequence' | 'lsn'>,
): ChangePosition => {
  const lsn = origin.lsn ?? 0n;
  const streamed = [null, undefined, 'false', 'incremental'].includes(origin.snapshot);
  if (!streamed) return [0n, lsn];
  const [before] = origin.sequence ? (JSON.parse(origin.sequence) as (string | null)[]) : [];
  return [before === null || before === undefined ? 1n : BigInt(before), lsn];
};

const LSN = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** An LSN as Postgres writes it, `16/B374D848`, as one number. @throws FreshetError `request-invalid` */
export const parseLsn = (text: string): readonly bigint[] => {
  const [, high, low] = LSN.exec(text) ?? [];
  if (high === undefined || low === undefined)
    throw new FreshetError(
      'request-invalid',
      'a position of a Postgres source is an LSN such as 0/16B3748, as pg_current_wal_lsn() gives it',
    );
  return [(BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)];
};

export const formatLsn = (lsn: bigint): string =>
  `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`;

/** The last commit that Kafka acknowledged (rule W); undefined while the offset is a snapshot's or there is none. */
export const acknowledgedLsn = (acknowledged: ConnectorOffset): string | undefined => {
  const { offset } = acknowledged;
  if (offset === null || isOfSnapshot(acknowledged)) return undefined;
  return typeof offset.lsn_commit === 'bigint' ? formatLsn(offset.lsn_commit) : undefined;
};

/** As far as the connector has come by its own account; undefined where it says nothing. */
export const reachedLsn = ({ offset }: ConnectorOffset): bigint | undefined => {
  let reached: bigint | undefined;
  for (const each of [offset?.lsn, offset?.lsn_proc, offset?.lsn_commit])
    if (typeof each === 'bigint' && (reached === undefined || each > reached)) reached = each;
  return reached;
};
