/**
 * Incremental snapshots of tables, by Debezium's signal table: the rows come between the changes, in stream order, so they
 * never overwrite a newer one; Debezium goes on with them after a restart. At the end a floor at the signal's own place in the
 * stream removes what was not seen: whatever stands above it is a row that was read, or changed since.
 */
import { randomUUID } from 'node:crypto';
import { type ConnectorOffset, isOfIncremental } from '../../connectors/debezium/connect-api.ts';
import { tableMarks } from '../../connectors/debezium/table-mark.ts';
import type { SourceState } from '../../schemas/records.ts';
import { PARTITIONS } from '../../schemas/topics.ts';
import { parseVersion, type Version } from '../../schemas/version.ts';
import { findSignal, hasReadSince } from './find-signal.ts';
import { pausesAsked } from './source-commands.ts';
import { appendFloors, changeEnds, isIndexedTo } from './sweep.ts';
import { tablesOf } from './table-changes.ts';
import type { WatchedSource } from './watched-source.ts';

/** One signal under way; lost with the process, and then asked for again under the same id. */
interface Run {
  readonly signal: string;
  readonly from: readonly number[];
  /** When the connector was first seen past the signal with nothing read and nothing under way, milliseconds. */
  idleSince?: number;
  version?: Version | undefined;
  /** Where the change topic ended when all was read. */
  ends?: readonly number[];
}

export interface SnapshotProgress {
  /** Tables that are done with, floor and all. */
  readonly done: readonly string[];
  /** Tables whose snapshot did not begin, to be asked for under a new id. */
  readonly stuck: readonly string[];
}

export interface TableSnapshots {
  /** Does the next piece of what the state says is under way. Errors: those of Kafka, Connect and the source; try again. */
  step(state: SourceState, offset: ConnectorOffset | undefined): Promise<SnapshotProgress>;
}

/** Once the connector is past a signal that it has taken up, its offsets say so: one that it is past for so long was passed over. */
const AGAIN_AFTER_MS = 2_000;
const AGAIN_AT_MOST_MS = 60_000;

/** `passedOver`: signals in a row of which nothing came. Pure. */
export const againAfterMs = (passedOver: number): number =>
  Math.min(AGAIN_AT_MOST_MS, AGAIN_AFTER_MS * 2 ** passedOver);

export const newSignal = (): string => `freshet-${randomUUID()}`;

export const createTableSnapshots = (watched: WatchedSource): TableSnapshots => {
  let run: Run | undefined;
  let passedOver = 0;

  const begin = async (state: SourceState, signal: string): Promise<void> => {
    const { source, kind, url, writer } = watched;
    const tables = tablesOf(state, signal);
    const taken = state.tables.filter(({ table }) => tables.includes(table));
    const from = await changeEnds(watched);
    // Before the signal, so that whatever follows it in the stream is taken again in every partition.
    await writer.append(
      taken.flatMap(({ table, turn }) =>
        tableMarks(source, from.length || PARTITIONS, { table, paused: false, turn }),
      ),
    );
    const data = JSON.stringify({ type: 'incremental', 'data-collections': tables });
    const isNew = await kind.signal({ source, url }, { id: signal, type: 'execute-snapshot', data });
    // Where another process asked for it before, its row stands somewhere behind the epoch's begin.
    run = { signal, from: isNew ? from : state.epochFrom };
  };

  return {
    step: async (state, offset) => {
      const none = { done: [], stuck: [] };
      const signal = state.tables.find((table) => table.signal !== null)?.signal;
      if (!signal) {
        run = undefined;
        return none;
      }
      if (run?.signal !== signal) {
        await begin(state, signal);
        return none;
      }
      // One that was paused since is not part of it any more: the workers pass over what is read of it.
      const tables = tablesOf(state, signal);
      if (!run.ends) {
        run.version ??= await findSignal(watched, signal, state.epoch, run.from);
        // While the connector works on it, or has not come to it, there is nothing to see.
        if (!run.version || !offset || isOfIncremental(offset)) return none;
        if (!watched.kind.hasPassed(offset, parseVersion(run.version).position)) return none;
        const ends = await changeEnds(watched);
        for (const table of tables) {
          const { source, kind, url } = watched;
          if (await hasReadSince(watched, table, run.version, run.from)) continue;
          // Rows that nobody read: the floor would delete them all.
          if (await kind.hasRows({ source, url }, table)) {
            run.idleSince ??= performance.now();
            if (performance.now() - run.idleSince < againAfterMs(passedOver)) return none;
            passedOver += 1;
            run = undefined;
            return { done: [], stuck: tables };
          }
        }
        run.ends = ends;
      }
      if (!run.version || !(await isIndexedTo(watched, run.ends))) return none;
      // What was read of it was passed over by whoever asked: its floor would delete what stands.
      const asked = await pausesAsked(watched, state.handled);
      if (tables.some((table) => asked.has(table))) return none;
      await appendFloors(watched, tables, run.version);
      run = undefined;
      passedOver = 0;
      return { done: tables, stuck: [] };
    },
  };
};
