/**
 * The keyword index in memory, by minisearch in a thread of its own. A thread that ended is followed by another, which
 * begins empty: soon the first time, later each time it does not last.
 */
import type { KeywordHit, KeywordIndex, KeywordState, KeywordWatcher } from './keyword-index.ts';
import { type KeywordThread, startKeywordThread } from './keyword-thread.ts';

export interface MinisearchOptions {
  /** Bytes that rows may take by estimate; over it the tenant with the most is left out. Default 512 MiB. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 512 * 1024 * 1024;
/** Rows under way to the thread before `add` waits. */
const ROWS_UNDER_WAY = 2_000;
/** A query that waits behind a batch of rows longer than this is answered by the vectors alone. */
const QUERY_WITHIN_MS = 250;
/** Before a thread is followed by another, doubled each time: to fill it again reads the whole table. */
const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 3_600_000;
/** A thread that lasted so long did not end of how it began. */
const LASTED_MS = 600_000;

export const openMinisearchKeywordIndex = ({
  maxBytes = MAX_BYTES,
}: MinisearchOptions = {}): KeywordIndex => {
  let watcher: KeywordWatcher = { lost: () => undefined, empty: () => undefined };
  let failure: string | null = null;
  let closed = false;
  let ends = 0;
  let startedAt = 0;
  let again: NodeJS.Timeout | undefined;
  let underWay = 0;

  const ended = (reason: string): void => {
    failure = reason;
    if (closed) return;
    watcher.lost();
    ends = performance.now() - startedAt < LASTED_MS ? ends + 1 : 1;
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
    underWay = 0;
    startedAt = performance.now();
    return startKeywordThread(maxBytes, ended);
  };
  let thread = start();

  return {
    add: async (rows) => {
      if (rows.length === 0) return;
      underWay += rows.length;
      const to = thread;
      const taken = to.ask('add', rows).then(() => {
        if (to === thread) underWay -= rows.length;
      });
      if (underWay > ROWS_UNDER_WAY) await taken;
    },
    remove: (ids) => {
      if (ids.length > 0) thread.tell('remove', ids);
    },
    query: async (query) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, QUERY_WITHIN_MS, undefined);
      });
      const answer = thread.ask('query', query) as Promise<readonly KeywordHit[] | undefined>;
      return Promise.race([answer, late]).finally(() => clearTimeout(timer));
    },
    state: async () => {
      const held = (await thread.ask('state')) as Omit<KeywordState, 'failure'> | undefined;
      return { rows: 0, bytes: 0, tenantsLeftOut: 0, ...held, failure };
    },
    watch: (next) => {
      watcher = next;
      if (failure !== null) next.lost();
    },
    clear: () => thread.tell('clear'),
    close: async () => {
      closed = true;
      clearTimeout(again);
      await thread.end('it is closed');
    },
  };
};
