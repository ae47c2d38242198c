/**
 * One source, looked at every second: its connector kept running, losses noticed and made good by a new epoch, snapshots
 * swept, tables paused and read again. What is to be is published first and done then, so that whoever takes over goes on.
 */
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import {
  type ConnectorWatch,
  decideConnector,
  NEW_WATCH,
} from '../../connectors/debezium/connector-health-state.ts';
import { type TableMark, tableMarks } from '../../connectors/debezium/table-mark.ts';
import { SOURCE_LOSSES, type SourceLoss, type TableShapes } from '../../connectors/sources/source-kind.ts';
import { toFreshetError } from '../../schemas/errors.ts';
import type { SourceState } from '../../schemas/records.ts';
import { changeTopic, PARTITIONS } from '../../schemas/topics.ts';
import { makeVersion, type Version } from '../../schemas/version.ts';
import { columnsRead } from '../index-documents/draft.ts';
import { findSnapshot } from './find-signal.ts';
import { type LookedAt, lookAt } from './look-at-source.ts';
import { mappingDigest } from './mapping-digest.ts';
import { registerConnector } from './register-connector.ts';
import { pausesAsked, type SourceCommand } from './source-commands.ts';
import { writeSourceState } from './source-states.ts';
import {
  isNews,
  isPausedByPerson,
  isSwept,
  isToBegin,
  lossIn,
  nextEpoch,
  RESUMING,
  stateAfter,
  stateToBegin,
  sweptState,
  tablesToSweep,
} from './source-watch-state.ts';
import { startOver } from './start-over.ts';
import { appendFloors, isIndexedTo } from './sweep.ts';
import {
  commanded,
  doubtfulFrom,
  goneFrom,
  isToRegister,
  marksOf,
  newTable,
  unmarked,
  withShapes,
  withTables,
} from './table-changes.ts';
import { createTableSnapshots, newSignal } from './table-snapshots.ts';
import type { WatchedSource } from './watched-source.ts';

export type SourceEvent =
  | { readonly type: 'state'; readonly state: SourceState }
  | { readonly type: 'lost'; readonly source: string; readonly loss: SourceLoss; readonly epoch: number }
  | { readonly type: 'restarting' | 'swept'; readonly source: string }
  | { readonly type: 'trouble'; readonly source: string; readonly error: Error };

export interface SourceWatch {
  state(): SourceState;
  command(command: SourceCommand, next: number): Promise<void>;
  /** One look and what follows from it. Never throws: what fails is tried again at the next. */
  look(): Promise<void>;
}

/**
 * One sighting may be two answers of two moments; Connect may not have read all its offsets yet. What it has written of a first
 * snapshot is no mistake, and may be over before the next look.
 */
const SIGHTINGS = 2;
const SIGHTINGS_OF_NOTHING = 5;
const sightingsFor = (loss: SourceLoss, { offset }: LookedAt): number =>
  loss !== 'offsets-missing' ? SIGHTINGS : offset === 'none' ? SIGHTINGS_OF_NOTHING : 1;
const WRITE_EVERY_US = 10_000_000;
const SHAPES_EVERY_MS = 2_000;

export const firstState = (watched: WatchedSource): SourceState => ({
  source: watched.source,
  epoch: 1,
  state: 'unknown',
  reason: 'not looked at yet',
  identity: '',
  tables: Object.keys(watched.mappings).map((table) => newTable(table, watched.clock())),
  retainedWalBytes: null,
  updatedAt: watched.clock(),
  connector: 'waiting',
  restarts: 0,
  swept: null,
  epochFrom: [],
  changeEnds: [],
  handled: 0,
});

export const watchSource = (
  watched: WatchedSource,
  from: SourceState | undefined,
  {
    betweenEpochsMs,
    stopped,
    onEvent,
  }: {
    readonly betweenEpochsMs: number;
    /** Given when another process may watch the source: nothing is published or begun after it. */
    readonly stopped: AbortSignal;
    readonly onEvent: (event: SourceEvent) => void;
  },
): SourceWatch => {
  const { source, connect, kind, url, writer, clock } = watched;
  const { connector } = sourceNames(source);
  const snapshots = createTableSnapshots(watched);
  const tables = Object.keys(watched.mappings);
  const mappings = new Map(
    Object.entries(watched.mappings).map(([table, mapping]) => [table, mappingDigest(mapping)]),
  );
  const readBy = new Map(tables.map((table) => [table, columnsRead(watched.mappings[table] as never)]));
  let state = from ?? firstState(watched);
  let written: SourceState | undefined = from;
  let health: ConnectorWatch = NEW_WATCH;
  let registered = false;
  let resuming = from?.reason === RESUMING;
  /** Turns that this watch has marked: the last one may have ended between saying so and marking it, or an append failed. */
  const marked = new Map<string, number>();
  let sightings = 0;
  /** An epoch that this watch raised, while nothing can have been captured under it. */
  let unused: number | undefined;
  let epochBegunAt = Number.NEGATIVE_INFINITY;
  let shapesSeenAt = Number.NEGATIVE_INFINITY;
  /** The snapshot that is through, and where the change topic ended when it was seen to be. */
  let through: { readonly version: Version; readonly ends: readonly number[] } | undefined;

  const publish = async (next: SourceState): Promise<void> => {
    stopped.throwIfAborted();
    state = next;
    const news = isNews(written, state) || state.updatedAt - (written?.updatedAt ?? 0) > WRITE_EVERY_US;
    if (news) {
      await writeSourceState(watched, state);
      written = state;
    }
    try {
      if (registered) await mark(unmarked(state, marked));
    } finally {
      if (news) onEvent({ type: 'state', state });
    }
  };

  /** After the state that says so: an owner that begins in between knows either one or the other. */
  const mark = async (marks: readonly TableMark[]): Promise<void> => {
    if (marks.length === 0) return;
    const partitions = state.changeEnds.length || PARTITIONS;
    await writer.append(marks.flatMap((each) => tableMarks(source, partitions, each)));
    for (const { table, turn } of marks) marked.set(table, turn);
  };

  const keepRunning = async (looked: LookedAt): Promise<void> => {
    const decision = decideConnector(health, looked.connector, performance.now());
    health = decision.watch;
    if (decision.restart) {
      onEvent({ type: 'restarting', source });
      await connect.restartFailed(connector);
    }
  };

  const shapesNow = (): Promise<TableShapes> => kind.shapes({ source, url }, tables);

  /**
   * Gives why some tables could not be captured, by table: the rest is, all the same. `all`: nothing is captured of any yet, so that
   * any may be left out for a moment.
   */
  const registerWhatCan = async (found: TableShapes, all = false): Promise<ReadonlyMap<string, string>> => {
    const gone = goneFrom(state, found);
    const without = (left: readonly string[]) => registerConnector(watched, state.epoch, [...gone, ...left]);
    const refused = new Map<string, string>();
    try {
      await without([]);
      return refused;
    } catch (error) {
      const doubtful = doubtfulFrom(state, found, all);
      if (doubtful.length === 0) throw error;
      await without(doubtful);
      // One after the other: none has to wait for another that cannot be.
      let left = doubtful;
      for (const table of doubtful) {
        const next = left.filter((each) => each !== table);
        try {
          await without(next);
          left = next;
        } catch (reason) {
          refused.set(table, toFreshetError(reason).message);
        }
      }
      return refused;
    }
  };

  const register = async (): Promise<void> => {
    await registerWhatCan(await shapesNow());
    const removed = state.tables.map(({ table }) => table).filter((table) => !tables.includes(table));
    if (removed.length > 0) {
      const end = kind.parsePosition(await kind.currentPosition(url));
      const [first = 0n, ...rest] = [...end, 0n];
      await appendFloors(watched, removed, makeVersion(state.epoch, [first, ...rest] as [bigint, bigint]));
    }
    registered = true;
    await publish(withTables(state, mappings, newSignal(), clock()));
  };

  const isTooSoon = (): boolean => performance.now() - epochBegunAt < betweenEpochsMs;

  const loseEpoch = async (loss: SourceLoss, looked: LookedAt): Promise<void> => {
    sightings += 1;
    if (sightings < sightingsFor(loss, looked)) return;
    if (isTooSoon()) {
      await publish({ ...state, state: 'lost', reason: SOURCE_LOSSES[loss], updatedAt: clock() });
      return;
    }
    sightings = 0;
    // The change topic may be gone: nothing is marked in it until the epoch begins.
    registered = false;
    onEvent({ type: 'lost', source, loss, epoch: state.epoch + 1 });
    const next = nextEpoch(state, loss, looked);
    unused = next.epoch;
    await publish({ ...next, updatedAt: clock() });
    await beginEpoch();
  };

  const beginEpoch = async (): Promise<void> => {
    const next = stateToBegin(state, unused);
    unused = next.epoch;
    through = undefined;
    await publish({ ...next, updatedAt: clock() });
    // Before anything of the epoch: marks that had not been appended yet, or were in a topic that is gone, are made good.
    await watched.kafka.admin.createTopics([changeTopic(source)]);
    await mark(marksOf(state));
    const onBegin = (): void => {
      unused = undefined;
      epochBegunAt = performance.now();
    };
    await startOver(watched, {
      onBegin,
      stopped,
      register: async () => registerWhatCan(await shapesNow(), true),
    });
    registered = true;
    const live = state.tables.map((each) => {
      const mapping = mappings.get(each.table) ?? each.mapping;
      const isPaused = each.state === 'paused';
      return isPaused ? each : { ...each, mapping, state: 'snapshotting' as const, since: clock() };
    });
    await publish({ ...state, state: 'snapshotting', tables: live, updatedAt: clock() });
  };

  const sweep = async (looked: LookedAt): Promise<void> => {
    if (!through) {
      if (!looked.changeEnds) return;
      const version = await findSnapshot(watched, state.epoch, state.epochFrom);
      through = { version: version ?? makeVersion(state.epoch, [0n, 0n]), ends: looked.changeEnds };
    }
    if (!(await isIndexedTo(watched, through.ends))) return;
    const swept = tablesToSweep(state);
    const asked = await pausesAsked(watched, state.handled);
    if (swept.some((table) => asked.has(table))) return;
    for (const table of swept) {
      // Nothing that a snapshot read of an empty table can be there still, whichever of its attempts read it.
      const full = await kind.hasRows({ source, url }, table);
      await appendFloors(watched, [table], full ? through.version : makeVersion(state.epoch, [1n, 0n]));
    }
    await publish(sweptState(state, swept, through.version, clock()));
    onEvent({ type: 'swept', source });
    through = undefined;
  };

  const lookAtShapes = async (): Promise<void> => {
    if (performance.now() - shapesSeenAt < SHAPES_EVERY_MS) return;
    shapesSeenAt = performance.now();
    const found = await shapesNow();
    // A table that was made anew is in no publication until it is put there: before a snapshot of it is asked for.
    const refusals = isToRegister(state, found) ? await registerWhatCan(found) : undefined;
    await publish(withShapes(state, found, readBy, newSignal(), clock(), refusals));
  };

  const stepSnapshots = async (looked: LookedAt): Promise<void> => {
    const { done, stuck } = await snapshots.step(state, looked.connectOffset);
    if (done.length === 0 && stuck.length === 0) return;
    const signal = newSignal();
    const next = state.tables.map((each) =>
      done.includes(each.table)
        ? { ...each, state: 'live' as const, reason: null, signal: null, since: clock() }
        : stuck.includes(each.table)
          ? {
              ...each,
              signal,
              reason: 'its snapshot did not begin and was asked for again',
              turn: each.turn + 1,
            }
          : each,
    );
    await publish({ ...state, tables: next, updatedAt: clock() });
  };

  const steer = async (looked: LookedAt): Promise<boolean> => {
    const wanted = isPausedByPerson(state);
    const paused = typeof looked.connector === 'object' && looked.connector.connector.state === 'PAUSED';
    if (wanted && !paused) await connect.steer(connector, 'pause');
    // One that was paused in Kafka Connect itself is left to whoever did it.
    if (!wanted && paused && resuming) await connect.steer(connector, 'resume');
    if (!paused || wanted) resuming = false;
    return wanted;
  };

  const step = async (): Promise<void> => {
    if (isToBegin(state)) return state.epoch !== unused && isTooSoon() ? undefined : beginEpoch();
    if (!registered) await register();
    const looked = await lookAt(watched);
    const loss = lossIn(state, looked);
    // Whoever paused it wants its database left alone: what is lost is made good when it is resumed.
    if (loss && !isPausedByPerson(state)) return loseEpoch(loss, looked);
    sightings = 0;
    if (looked.connector === 'missing') registered = false;
    const asleep = await steer(looked);
    await publish(stateAfter(state, looked, health.restarts, clock(), loss !== undefined));
    if (asleep) return;
    await keepRunning(looked);
    // Before the sweep, which asks each of its tables: one that has gone holds up no other.
    if (looked.observed) await lookAtShapes();
    if (looked.offset === 'streaming' && !isSwept(state)) await sweep(looked);
    if (isSwept(state)) await stepSnapshots(looked);
  };

  return {
    state: () => state,
    command: async (command, next) => {
      const said = { ...commanded(state, command, newSignal(), clock()), handled: next, updatedAt: clock() };
      await publish(said).catch((error) => {
        // Said and not marked: the look that follows marks it, or finds out why it cannot be. No command stands in its way.
        if (written !== said) throw error;
      });
      resuming ||= state.reason === RESUMING;
      // What a table that is taken on again looks like now is what it is held to from now on.
      shapesSeenAt = Number.NEGATIVE_INFINITY;
    },
    look: async () => {
      try {
        await step();
      } catch (thrown) {
        if (stopped.aborted) return;
        const error = toFreshetError(thrown);
        onEvent({ type: 'trouble', source, error });
        const failed = error.code === 'config-invalid' || error.code === 'connector-invalid';
        // A loss stays to be seen while it cannot be mended yet, and what a person asked for stands until it can be done.
        if (state.state === 'lost' || isPausedByPerson(state)) return;
        await publish({
          ...state,
          state: failed ? 'failed' : 'unknown',
          reason: error.message,
          updatedAt: clock(),
        }).catch(() => undefined);
      }
    },
  };
};
