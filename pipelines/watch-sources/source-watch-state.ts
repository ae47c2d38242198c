/** What one look at a source means for its state: decided here, done in watch-source.ts. Pure. */
import { type ConnectorObservation, healthOf } from '../../connectors/debezium/connector-health-state.ts';
import { type ObservedSource, SOURCE_LOSSES, type SourceLoss } from '../../connectors/sources/source-kind.ts';
import type { SourceState } from '../../schemas/records.ts';
import { parseVersion } from '../../schemas/version.ts';

export const SOURCE_STATES = [
  'snapshotting',
  'streaming',
  'paused',
  'failed',
  'lost',
  'unknown',
] as const satisfies readonly SourceState['state'][];

/** One look. What did not answer is undefined, which proves nothing. */
export interface SourceSeen {
  readonly observed: ObservedSource | undefined;
  readonly connector: ConnectorObservation;
  /** `none`: Connect answers, and knows no offset. `begun`: no position is acknowledged yet. `snapshot`: the first one is under way. */
  readonly offset: 'none' | 'snapshot' | 'begun' | 'streaming' | undefined;
  /** What the kind makes of the database and Connect's offsets. */
  readonly loss: SourceLoss | undefined;
  /** Ends of the change topic by partition; empty where there is no such topic. */
  readonly changeEnds: readonly number[] | undefined;
}

/** The epoch's snapshot is through, and what it did not see is gone. */
export const isSwept = ({ epoch, swept }: Pick<SourceState, 'epoch' | 'swept'>): boolean =>
  swept !== null && parseVersion(swept).epoch === epoch;

/** Changes that are lost for good, by the first sign of it; undefined where nothing says so. */
export const lossIn = (state: SourceState, seen: SourceSeen): SourceLoss | undefined => {
  const { observed, changeEnds, offset } = seen;
  if (observed && state.identity !== '' && observed.identity !== state.identity) return 'identity-changed';
  if (changeEnds && state.changeEnds.some((end, partition) => (changeEnds[partition] ?? 0) < end))
    return 'topic-remade';
  // Once it is swept no first snapshot can come but from a connector that knows nothing of its place any more.
  if ((offset === 'none' || offset === 'snapshot') && isSwept(state)) return 'offsets-missing';
  return seen.loss;
};

/** Everything before counts for nothing: the next epoch begins where the change topic ends now. */
export const nextEpoch = (state: SourceState, loss: SourceLoss, seen: SourceSeen): SourceState => ({
  ...state,
  epoch: state.epoch + 1,
  state: 'lost',
  reason: `${SOURCE_LOSSES[loss]}; all tables are read again under epoch ${state.epoch + 1}`,
  identity: '',
  changeEnds: [],
  epochFrom: loss === 'topic-remade' ? [] : (seen.changeEnds ?? state.epochFrom),
  // Whatever was paused or taken before it counts in the new one by marks of its own.
  // Those of another database are others; this epoch's snapshot reads them.
  tables: state.tables.map((table) => ({ ...table, signal: null, identity: '', turn: table.turn + 1 })),
});

/** Whether a capture has to begin anew: an epoch was raised, and nobody has said since that it was begun. */
export const isToBegin = ({ state, identity }: Pick<SourceState, 'state' | 'identity'>): boolean =>
  state === 'lost' && identity === '';

/**
 * What has to stand in the log before a capture begins anew. Under an epoch that may have been begun before (`unused` is the one
 * that is known not to have been) a change may have been streamed already, above the floor that the next snapshot would set.
 */
export const stateToBegin = (state: SourceState, unused: number | undefined): SourceState =>
  state.epoch === unused
    ? state
    : {
        ...state,
        epoch: state.epoch + 1,
        reason: state.reason?.replace(`epoch ${state.epoch}`, `epoch ${state.epoch + 1}`) ?? null,
      };

/**
 * What the sweep after an epoch's snapshot is for. Of a table that is paused, or was and waits for a snapshot of its own, the
 * workers may have passed over every read: it keeps what it has until that snapshot.
 */
export const tablesToSweep = ({ tables }: Pick<SourceState, 'tables'>): readonly string[] =>
  tables.filter(({ state, signal }) => state !== 'paused' && signal === null).map(({ table }) => table);

/** After the sweep of these tables, at the version of the snapshot. */
export const sweptState = (
  state: SourceState,
  tables: readonly string[],
  version: string,
  now: number,
): SourceState => ({
  ...state,
  swept: version,
  tables: state.tables.map((each) =>
    tables.includes(each.table) ? { ...each, state: 'live' as const, reason: null, since: now } : each,
  ),
  updatedAt: now,
});

const reasonOf = (
  seen: SourceSeen,
): { readonly state: SourceState['state']; readonly reason: string } | undefined => {
  if (!seen.observed) return { state: 'unknown', reason: 'its database does not answer' };
  const health = healthOf(seen.connector);
  switch (health.kind) {
    case 'running':
      return undefined;
    case 'failed':
      return { state: 'failed', reason: `its connector failed and is restarted: ${health.reason}` };
    case 'unreachable':
      return { state: 'unknown', reason: 'Kafka Connect does not answer' };
    case 'missing':
    case 'waiting':
      return { state: 'unknown', reason: 'its connector is starting' };
    case 'paused':
      return { state: 'paused', reason: 'its connector was paused in Kafka Connect' };
    default:
      return health satisfies never;
  }
};

/** The state after a look. Where something was lost and is not made good yet, what shows it stays to be seen. */
export const stateAfter = (
  state: SourceState,
  seen: SourceSeen,
  restarts: number,
  now: number,
  isLost = false,
): SourceState => {
  const common = {
    ...state,
    identity: (isLost ? undefined : seen.observed?.identity) ?? state.identity,
    retainedWalBytes: seen.observed?.retainedBytes ?? null,
    changeEnds: (isLost ? undefined : seen.changeEnds) ?? state.changeEnds,
    connector: healthOf(seen.connector).kind,
    restarts,
    updatedAt: now,
  };
  if (isPausedByPerson(state)) return common;
  const trouble = reasonOf(seen);
  if (trouble) return { ...common, ...trouble };
  if (!isSwept(state))
    return {
      ...common,
      state: 'snapshotting',
      // Why everything is read again stays to be seen until it has been.
      reason:
        state.state === 'lost' || state.state === 'snapshotting'
          ? state.reason
          : state.epoch > 1
            ? `all tables are read again under epoch ${state.epoch}`
            : null,
    };
  return { ...common, state: 'streaming', reason: null };
};

/** What the reason of a source begins with that an operator paused; only an operator resumes it. */
export const PAUSED_BY = 'paused by ';

/** Until a person resumes it, whatever else is found. */
export const isPausedByPerson = ({ state, reason }: Pick<SourceState, 'state' | 'reason'>): boolean =>
  state === 'paused' && reason?.startsWith(PAUSED_BY) === true;
export const RESUMING = 'it is being resumed';

/** Worth writing again: more than the figures changed. */
export const isNews = (before: SourceState | undefined, after: SourceState): boolean => {
  const told = ({ updatedAt, retainedWalBytes, changeEnds, ...rest }: SourceState): unknown => rest;
  return before === undefined || JSON.stringify(told(before)) !== JSON.stringify(told(after));
};
