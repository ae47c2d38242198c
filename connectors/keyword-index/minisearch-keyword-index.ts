/**
 * The keyword index in memory, by minisearch in a thread of its own. A thread that ended is followed by another, which
 * begins empty: soon the first time, later each time it does not last. Where its heap was full, rows take more than their
 * estimate: the next one is held to half of it in the same heap, until the largest tenant is left out and not all are lost.
 */
import { slicesOf } from '../../schemas/slices-of.ts';
import type { KeywordHit, KeywordIndex, KeywordState, KeywordWatcher } from './keyword-index.ts';
import { type KeywordThread, startKeywordThread, type ThreadEnd } from './keyword-thread.ts';

export interface MinisearchOptions {
  /** Bytes that rows may take by estimate; over it the tenant with the most is left out. Default 512 MiB. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 512 * 1024 * 1024;
/** Rows under way to the thread before `add` waits. */
const ROWS_UNDER_WAY = 2_000;
/** Rows between two answers of the thread, each of which wakes this one. */
const ROWS_AN_ANSWER = 256;
/** What is fresh must not wait for longer on a thread that does not go on. */
const ANSWER_WITHIN_MS = 10_000;
/** Nor on one that does. */
const ADD_WITHIN_MS = 60_000;
/** A query that waits behind a batch of rows longer than this is answered by the vectors alone. */
const QUERY_WITHIN_MS = 250;
/** Before a thread is followed by another, doubled each time: to fill it again reads the whole table. */
const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 3_600_000;
/** A thread that lasted so long did not end of how it began. */
const LASTED_MS = 600_000;

/** Undefined where it takes longer. */
const within = async <T>(ms: number, work: Promise<T>): Promise<T | undefined> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

export const openMinisearchKeywordIndex = ({
  maxBytes = MAX_BYTES,
}: MinisearchOptions = {}): KeywordIndex => {
  let watcher: KeywordWatcher = { lost: () => undefined, empty: () => undefined };
  let failure: string | null = null;
  let closed = false;
  let ends = 0;
  /** Of these, those by a full heap. */
  let endsOfMemory = 0;
  let startedAt = 0;
  let again: NodeJS.Timeout | undefined;
  /** Rows of this thread: told, up to where it was asked for an answer, and up to where it gave one. */
  let rowsTo = { told: 0, asked: 0, taken: 0 };
  /** Tenants of whose rows the thread takes no more: it is not told of them either. */
  let leftOut = new Set<string>();

  const ended = ({ reason, ofMemory }: ThreadEnd): void => {
    failure = reason;
    if (closed) return;
    watcher.lost();
    const lasted = performance.now() - startedAt >= LASTED_MS;
    ends = lasted ? 1 : ends + 1;
    endsOfMemory = (lasted ? 0 : endsOfMemory) + (ofMemory ? 1 : 0);
    again = setTimeout(
      () => {
        thread = start();
        watcher.empty();
      },
      Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (ends - 1)),
    );
  };
  const start = (): KeywordThread => {
    failure = null;
    rowsTo = { told: 0, asked: 0, taken: 0 };
    leftOut = new Set();
    startedAt = performance.now();
    return startKeywordThread({ maxBytes: maxBytes / 2 ** endsOfMemory, heapFor: maxBytes }, ended);
  };
  let thread = start();

  return {
    add: async (rows) => {
      const [to, flow, left] = [thread, rowsTo, leftOut];
      const kept = left.size === 0 ? rows : rows.filter(({ tenant }) => !left.has(tenant));
      let taken: Promise<true> | undefined;
      for (const piece of slicesOf(kept, ROWS_AN_ANSWER)) {
        flow.told += piece.length;
        if (flow.told - flow.asked < ROWS_AN_ANSWER) {
          to.tell('add', piece);
          continue;
        }
        const upTo = flow.told;
        flow.asked = upTo;
        taken = to.ask('add', piece).then((tenants) => {
          flow.taken = upTo;
          for (const tenant of (tenants ?? []) as readonly string[]) left.add(tenant);
          return true;
        });
      }
      if (!taken || flow.told - flow.taken <= ROWS_UNDER_WAY) return;
      const until = performance.now() + ADD_WITHIN_MS;
      for (let before = -1; flow.taken > before && performance.now() < until; ) {
        before = flow.taken;
        if (await within(ANSWER_WITHIN_MS, taken)) return;
      }
      await to.end('its thread did not keep up with the rows that came');
    },
    remove: (rows) => {
      const ids = rows.filter(({ tenant }) => tenant === null || !leftOut.has(tenant)).map(({ id }) => id);
      if (ids.length > 0) thread.tell('remove', ids);
    },
    query: async (query) => {
      if (leftOut.has(query.tenant)) return undefined;
      const until = Date.now() + QUERY_WITHIN_MS;
      return within(QUERY_WITHIN_MS, thread.ask('query', { ...query, until })) as Promise<
        readonly KeywordHit[] | undefined
      >;
    },
    state: async () => {
      const held = (await thread.ask('state')) as Omit<KeywordState, 'failure'> | undefined;
      return { rows: 0, bytes: 0, tenantsLeftOut: 0, ...held, failure };
    },
    watch: (next) => {
      watcher = next;
      if (failure !== null) next.lost();
    },
    clear: () => {
      leftOut = new Set();
      thread.tell('clear');
    },
    close: async () => {
      closed = true;
      clearTimeout(again);
      await thread.end('it is closed');
    },
  };
};
