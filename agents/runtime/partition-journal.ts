/**
 * Appends to and follows one partition of freshet.agent-events, for the worker that owns it. What is too large for an event is put into
 * freshet.payloads first (decision 23); what is folded here holds its reference.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { isTooLarge, type PayloadWriter } from '../../connectors/payloads/payload-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { MAX_RECORD_BYTES, TOPICS } from '../../schemas/topics.ts';
import { createJournalFold, type JournalFold, type Standing } from './journal-fold.ts';
import { journalHeadersOf } from './journal-headers.ts';

export interface PartitionJournal {
  readonly fold: JournalFold;
  /**
   * Appends events in one piece and resolves, with the offset of the last, once the log is known up to them and they count: the barrier before
   * every effect (rule J). Errors: `append-failed` (read the log's end before going on: `readToEnd`), `conflict`
   * (a higher claim stands before them, or one was lost: another holds the execution), `request-too-large`,
   * `unavailable` (the partition is another's); `isTaken` says whether they stand in the log all the same. `traceparent`: of the execution,
   * a header of each record.
   */
  append(events: readonly AgentEvent[], traceparent?: string): Promise<number>;
  /**
   * Last words under a claim, when the partition may be another's already: they count if they come before its claim. Resolves once they
   * stand in the log. Errors: `append-failed`.
   */
  leave(events: readonly AgentEvent[], traceparent?: string): Promise<unknown>;
  /** Takes in records of the partition as the group reader hands them over. */
  follow(records: readonly KafkaRecord[]): void;
  /** Resolves when everything that stands in the log now is folded. Errors: `unavailable`. */
  readToEnd(): Promise<void>;
  /** Resolves when everything below an offset is folded. */
  readTo(offset: number): Promise<void>;
  /** Follows what others write until the returned function is called. */
  watch(): () => void;
  /** The partition is another's: whoever waits is told. */
  abandon(): void;
}

/** What was appended stands in the log, though whoever appended it cannot go on. */
export const isTaken = (error: unknown): boolean =>
  error instanceof FreshetError && error.details?.taken === true;

const takenBut = (error: unknown): FreshetError => {
  const { code, message } = toFreshetError(error);
  return new FreshetError(code, message, { cause: error, details: { taken: true } });
};

export interface PartitionJournalSettings {
  readonly kafka: Pick<KafkaClient, 'admin'>;
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  readonly payloads: Pick<PayloadWriter, 'setAside'>;
  readonly partition: number;
  /** First offset that will be read. */
  readonly from: number;
  /** Where the log ended at assignment: snapshots below it say what waits. */
  readonly restoredTo?: number;
  /**
   * Whether the log must be read: to its end at assignment, when an own record was acknowledged past one that is not
   * known, and for who watches. Else nobody else writes, and reading back every own record would cost as much again
   * as writing it.
   */
  readonly onBehind: (behind: boolean) => void;
  /** Told of what stood in the log at assignment, in order. */
  readonly onRestored?: (event: AgentEvent) => void;
  readonly log: (level: 'warn' | 'error', message: string, details?: unknown) => void;
}

const TOPIC = TOPICS.agentEvents.name;
const MAX_EVENT_BYTES = MAX_RECORD_BYTES - 64 * 1024;
const RETRY_MS = 500;

interface Waiter<Of> {
  readonly resolve: (value: Of) => void;
  readonly reject: (error: Error) => void;
}

const nameOf = ({ executionId, epoch, worker, sequence, type }: AgentEvent): string =>
  `${executionId} ${epoch} ${sequence} ${type} ${worker}`;

export const openPartitionJournal = (settings: PartitionJournalSettings): PartitionJournal => {
  const { codec, writer, partition, log } = settings;
  /** In the order of their appends: under no claim, as the input of a task is, two events may have one name. */
  const standings = new Map<string, readonly Waiter<Standing>[]>();
  const reached = new Map<Waiter<void>, number>();
  let following = Promise.resolve();
  let nextToFollow = settings.from;
  let gone = false;
  /** Offsets below it exist, read or not. */
  let known = settings.from;
  let watchers = 0;
  let behind = true;
  /** Of executions with payloads under way: what they append next waits for them, and nobody else does. */
  const setting = new Map<string, Promise<unknown>>();

  const letWait = (name: string, waiters: readonly Waiter<Standing>[]): void => {
    if (waiters.length > 0) standings.set(name, waiters);
    else standings.delete(name);
  };

  const onFolded = (event: AgentEvent, standing: Standing): void => {
    const name = nameOf(event);
    const waiting = standings.get(name);
    if (!waiting) return;
    letWait(name, waiting.slice(1));
    waiting[0]?.resolve(standing);
  };
  const fold = createJournalFold(settings.from, onFolded, settings.restoredTo);

  const offer = (offset: number, event: AgentEvent | null): void => {
    fold.offer(offset, event);
    for (const [waiter, wanted] of reached) {
      if (fold.position() < wanted) continue;
      reached.delete(waiter);
      waiter.resolve();
    }
  };

  const look = (): void => {
    const now = watchers > 0 || fold.position() < known;
    if (now === behind || gone) return;
    behind = now;
    settings.onBehind(behind);
  };

  const lost = (): FreshetError =>
    new FreshetError('unavailable', `partition ${partition} of the journal is another worker's now`);

  const encode = (event: AgentEvent, traceparent: string | undefined) => {
    const value = codec.encode('AgentEvent', event);
    if (value.length > MAX_EVENT_BYTES)
      throw new FreshetError(
        'request-too-large',
        `a ${event.type} event of ${value.length} bytes does not fit the journal (${MAX_EVENT_BYTES})`,
      );
    const headers = journalHeadersOf(event, traceparent);
    return { topic: TOPIC, partition, key: event.taskId, value, headers };
  };

  const decode = async (record: KafkaRecord): Promise<AgentEvent | null> => {
    while (!gone) {
      try {
        return await codec.decode('AgentEvent', record.value);
      } catch (thrown) {
        const error = toFreshetError(thrown);
        log('warn', `the journal's record ${partition}:${record.offset} cannot be read: ${error.message}`);
        if (error.code === 'record-unreadable') return null;
        await sleep(RETRY_MS);
      }
    }
    return null;
  };

  const takeIn = async (records: readonly KafkaRecord[]): Promise<void> => {
    for (const record of records) {
      if (gone) return;
      // A hole in the offsets holds nothing.
      for (let hole = Math.max(nextToFollow, fold.position()); hole < record.offset; hole += 1)
        offer(hole, null);
      nextToFollow = record.offset + 1;
      if (record.offset < fold.position()) continue;
      const event = await decode(record);
      if (event && record.offset < (settings.restoredTo ?? 0)) settings.onRestored?.(event);
      offer(record.offset, event);
    }
    look();
  };

  const readTo = (offset: number): Promise<void> => {
    if (gone) return Promise.reject(lost());
    known = Math.max(known, offset);
    look();
    if (fold.position() >= offset) return Promise.resolve();
    return new Promise((resolve, reject) => reached.set({ resolve, reject }, offset));
  };

  const readToEnd = async (): Promise<void> => {
    for (;;) {
      if (gone) throw lost();
      try {
        const offsets = await settings.kafka.admin.offsets(TOPIC);
        return await readTo(offsets.find((each) => each.partition === partition)?.latest ?? 0);
      } catch (thrown) {
        if (gone) throw thrown;
        log('warn', `the end of the journal's partition ${partition} is not known yet`, thrown);
        await sleep(RETRY_MS);
      }
    }
  };

  /** Of events that fit. */
  const appendNow = async (
    events: readonly AgentEvent[],
    traceparent: string | undefined,
  ): Promise<number> => {
    if (gone) throw lost();
    const records = events.map((event) => encode(event, traceparent));
    const own = new Set<Waiter<Standing>>();
    const outcomes = events.map(
      (event) =>
        new Promise<Standing>((resolve, reject) => {
          const name = nameOf(event);
          const waiter = { resolve, reject };
          own.add(waiter);
          letWait(name, [...(standings.get(name) ?? []), waiter]);
        }),
    );
    let last = Number.NaN;
    let taken = false;
    const all = Promise.all(outcomes);
    // Rejected only when the partition goes, maybe before anybody waits for it here.
    all.catch(() => undefined);
    try {
      const places = await writer.append(records);
      taken = true;
      events.forEach((event, index) => {
        const offset = places[index]?.offset ?? Number.NaN;
        offer(offset, event);
        last = offset;
        if (offset >= known) known = offset + 1;
      });
      look();
      if (places.some(({ offset }) => Number.isNaN(offset))) await readToEnd();
    } catch (error) {
      for (const name of events.map(nameOf))
        letWait(
          name,
          (standings.get(name) ?? []).filter((each) => !own.has(each)),
        );
      throw taken ? takenBut(error) : error;
    }
    const found = await all.catch((error) => {
      throw takenBut(error);
    });
    const stale = events.find((event, index) => found[index] === 'stale' && event.type !== 'user-input');
    if (stale)
      throw takenBut(
        new FreshetError('conflict', `${stale.executionId} is held under a claim above ${stale.epoch}`),
      );
    return last;
  };

  const fitted = (events: readonly AgentEvent[]): Promise<readonly AgentEvent[]> =>
    Promise.all(
      events.map((event) => (isTooLarge(event) ? settings.payloads.setAside(event, partition) : event)),
    );

  /** In the order of an execution's appends: an event that overtook another's payload would be a gap in the sequence. */
  const appendInTurn = async (
    executionId: string,
    events: readonly AgentEvent[],
    traceparent: string | undefined,
  ): Promise<number> => {
    const before = setting.get(executionId);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return appendNow(await fitted(events), traceparent);
    })();
    setting.set(executionId, mine);
    try {
      return await mine;
    } finally {
      if (setting.get(executionId) === mine) setting.delete(executionId);
    }
  };

  return {
    fold,
    readTo,
    append: (events, traceparent) => {
      const executionId = events[0]?.executionId ?? '';
      return setting.has(executionId) || events.some(isTooLarge)
        ? appendInTurn(executionId, events, traceparent)
        : appendNow(events, traceparent);
    },
    leave: (events, traceparent) => {
      const send = (all: readonly AgentEvent[]) =>
        writer.append(all.map((event) => encode(event, traceparent)));
      const before = setting.get(events[0]?.executionId ?? '');
      const leaving =
        before || events.some(isTooLarge)
          ? Promise.resolve(before)
              .catch(() => undefined)
              .then(() => fitted(events))
              .then(send)
          : send(events);
      leaving.catch(() => undefined);
      return leaving;
    },
    follow: (records) => {
      following = following.then(() => takeIn(records));
    },
    readToEnd,
    watch: () => {
      watchers += 1;
      look();
      return () => {
        watchers -= 1;
        look();
      };
    },
    abandon: () => {
      gone = true;
      for (const waiter of [...[...standings.values()].flat(), ...reached.keys()]) waiter.reject(lost());
      standings.clear();
      reached.clear();
    },
  };
};
