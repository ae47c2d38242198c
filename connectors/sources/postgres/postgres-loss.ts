import type { ConnectorOffset } from '../../debezium/connect-api.ts';
import type { ObservedSource, SourceLoss } from '../source-kind.ts';
import { parseLsn, reachedLsn } from './postgres-position.ts';

/**
 * Debezium confirms to the slot only what Connect has flushed, so a slot is never ahead of Connect's offsets, unless it is
 * another one. Under `offset.mismatch.strategy=trust_offset` the connector refuses such a slot, so this stays to be seen.
 */
export const postgresLoss = (
  observed: ObservedSource,
  offset: ConnectorOffset | undefined,
): SourceLoss | undefined => {
  if (observed.discarded) return 'place-discarded';
  const reached = offset && reachedLsn(offset);
  if (reached === undefined) return undefined;
  if ((parseLsn(observed.end)[0] ?? 0n) < reached) return 'database-restored';
  if (observed.heldFrom === undefined) return 'place-missing';
  return (parseLsn(observed.heldFrom)[0] ?? 0n) > reached ? 'place-remade' : undefined;
};
