/** The keyword index in memory, by minisearch in a thread of its own, which a limit of the memory ends and not the process. */
import { Worker } from 'node:worker_threads';
import { toError } from '../../schemas/errors.ts';
import type { KeywordHit, KeywordIndex, KeywordState } from './keyword-index.ts';

export interface MinisearchOptions {
  /** Bytes that rows may take by estimate; over it the tenant with the most is left out. Default 512 MiB. */
  readonly maxBytes?: number;
}

const MEBIBYTE = 1024 * 1024;
const MAX_BYTES = 512 * MEBIBYTE;
/** Rows under way to the thread before `add` waits. */
const ROWS_UNDER_WAY = 2_000;
/** A query that waits behind a batch of rows longer than this is answered by the vectors alone. */
const QUERY_WITHIN_MS = 250;

export const openMinisearchKeywordIndex = ({
  maxBytes = MAX_BYTES,
}: MinisearchOptions = {}): KeywordIndex => {
  const worker = new Worker(new URL('keyword-worker.mjs', import.meta.url), {
    workerData: { maxBytes },
    execArgv: [],
    // Twice the estimate, and what garbage collection needs: what is over it ends the thread, never the process.
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil((2 * maxBytes) / MEBIBYTE) + 128 },
  });
  const asked = new Map<number, (answer: unknown) => void>();
  let number = 0;
  let underWay = 0;
  let failure: string | null = null;
  let closed = false;

  const end = (reason: string): void => {
    failure ??= reason;
    for (const answer of asked.values()) answer(undefined);
    asked.clear();
  };
  worker.on('error', (thrown) => end(toError(thrown).message));
  worker.on('exit', () => end('its thread ended'));
  worker.on('message', ({ ask, answer }: { readonly ask: number; readonly answer: unknown }) => {
    asked.get(ask)?.(answer);
    asked.delete(ask);
  });

  const tell = (what: string, value?: unknown): void => {
    if (failure === null && !closed) worker.postMessage({ what, value });
  };
  const ask = (what: string, value?: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      if (failure !== null || closed) return resolve(undefined);
      number += 1;
      asked.set(number, resolve);
      worker.postMessage({ ask: number, what, value });
    });

  return {
    add: async (rows) => {
      if (rows.length === 0) return;
      underWay += rows.length;
      const taken = ask('add', rows).then(() => {
        underWay -= rows.length;
      });
      if (underWay > ROWS_UNDER_WAY) await taken;
    },
    remove: (ids) => {
      if (ids.length > 0) tell('remove', ids);
    },
    query: async (query) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, QUERY_WITHIN_MS, undefined);
      });
      const answer = ask('query', query) as Promise<readonly KeywordHit[] | undefined>;
      return Promise.race([answer, late]).finally(() => clearTimeout(timer));
    },
    state: async () => {
      const held = (await ask('state')) as Omit<KeywordState, 'failure'> | undefined;
      return { rows: 0, bytes: 0, tenantsLeftOut: 0, ...held, failure };
    },
    clear: () => tell('clear'),
    close: async () => {
      closed = true;
      await worker.terminate();
      end('it is closed');
    },
  };
};
