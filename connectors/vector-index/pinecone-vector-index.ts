/**
 * Pinecone as a VectorIndex: a namespace a tenant, rows by their content-addressed ids. It is eventually consistent, so a write
 * counts as done only when a read of its namespace says that it is indexed. Equal ids are equal rows: no write can put an
 * older version over a newer one, and the missing conditional write is not missed (docs/decisions).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FreshetError } from '../../schemas/errors.ts';
import { slicesOf } from '../../schemas/slices-of.ts';
import type { GuardLimits } from '../guarded-calls/guarded-calls.ts';
import {
  cutBatches,
  PINECONE_LIMITS,
  type PineconeLimits,
  type PineconeRecord,
  recordOf,
} from './pinecone-batches.ts';
import { openPineconeCalls, type PineconeCallSettings, PineconeRefusal, refused } from './pinecone-calls.ts';
import { filterOf, isNamespaceOf, namespaceOf } from './pinecone-names.ts';
import type { RowPlace, VectorIndex, VectorRow } from './vector-index.ts';

export interface PineconeIndexSettings {
  readonly host: string;
  readonly apiKey: string;
  readonly dimensions: number;
  /** Namespaces of this index begin with it; another replica, model or generation has another. */
  readonly prefix: string;
  /** Begins empty, whatever is there. */
  readonly discard?: boolean;
  readonly limits?: Partial<GuardLimits & PineconeLimits> & {
    /** Longest wait for a write to be searchable, in milliseconds. */
    readonly searchableWithinMs?: number;
  };
  readonly onBreaker?: PineconeCallSettings['onBreaker'];
}

const SEARCHABLE_WITHIN_MS = 60_000;
const FIRST_LOOK_MS = 5;
const MOST_BETWEEN_LOOKS_MS = 250;
/** Ids in one fetch go into its address; a page of a list holds no more either. */
const IDS_IN_ADDRESS = 100;

/** Errors: `config-invalid` where the index there has another size of vectors; `index-unavailable`. */
export const openPineconeVectorIndex = async (settings: PineconeIndexSettings): Promise<VectorIndex> => {
  const { prefix, dimensions } = settings;
  const limits = {
    ...PINECONE_LIMITS,
    searchableWithinMs: SEARCHABLE_WITHIN_MS,
    ...settings.limits,
  };
  const { host, apiKey, onBreaker } = settings;
  const calls = openPineconeCalls({ host, apiKey, limits, ...(onBreaker ? { onBreaker } : {}) });
  const written = new Set<string>();
  let closed = false;

  const open = (): void => {
    if (closed) throw new FreshetError('index-unavailable', 'the index is closed');
  };
  const ifThere = async <T>(work: Promise<T>, empty: T): Promise<T> => {
    try {
      return await work;
    } catch (thrown) {
      if (thrown instanceof PineconeRefusal && thrown.status === 404) return empty;
      return refused(thrown);
    }
  };
  const checkVector = (vector: Float32Array): void => {
    if (vector.length !== dimensions || !vector.every(Number.isFinite))
      throw new FreshetError(
        'request-invalid',
        `a vector must be ${dimensions} finite numbers, not ${vector.length}`,
      );
  };

  const probe = Array.from({ length: dimensions }, (_, at) => (at === 0 ? 1 : 0));
  /** Rule X: until a read of the namespace covers the write. Errors: `index-unavailable` when it takes too long. */
  const untilSearchable = async (namespace: string, requestLsn: number | null): Promise<void> => {
    if (requestLsn === null) return;
    const deadline = Date.now() + limits.searchableWithinMs;
    for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 2, MOST_BETWEEN_LOOKS_MS)) {
      const { indexedLsn } = await calls.call((index) => index.query({ namespace, vector: probe, topK: 1 }));
      if (indexedLsn === null || indexedLsn >= requestLsn) return;
      if (Date.now() > deadline)
        throw new FreshetError(
          'index-unavailable',
          `a write to Pinecone is not searchable after ${limits.searchableWithinMs} ms`,
        );
      await sleep(pause);
    }
  };

  /** Halves what is refused for its size. Gives the highest LSN of its writes. */
  const write = async (namespace: string, records: readonly PineconeRecord[]): Promise<number | null> => {
    try {
      const { requestLsn } = await calls.call((index) => index.upsert({ namespace, records: [...records] }));
      return requestLsn;
    } catch (thrown) {
      if (!(thrown instanceof PineconeRefusal && thrown.status === 413) || records.length === 1)
        return refused(thrown);
      const middle = records.length >> 1;
      const first = await write(namespace, records.slice(0, middle));
      const second = await write(namespace, records.slice(middle));
      return second ?? first;
    }
  };

  const highest = (all: readonly (number | null)[]): number | null =>
    all.reduce((most, each) => (each !== null && (most === null || each > most) ? each : most), null);

  const namespaces = async (): Promise<readonly string[]> => {
    const { value } = await ifThere(
      calls.call((index) => index.describeIndexStats()),
      {
        value: { namespaces: {} },
        requestLsn: null,
        indexedLsn: null,
      },
    );
    const there = Object.keys(value.namespaces ?? {}).filter((name) => isNamespaceOf(prefix, name));
    return [...new Set([...there, ...written])];
  };

  /** Ids by the namespace they are in; of a row that may stand under any tenant, under every one. */
  const located = async (rows: readonly RowPlace[]): Promise<ReadonlyMap<string, readonly string[]>> => {
    const groups = new Map<string, Set<string>>();
    const add = (namespace: string, id: string): void => {
      const group = groups.get(namespace);
      if (group) group.add(id);
      else groups.set(namespace, new Set([id]));
    };
    const everywhere = rows.some(({ tenant }) => tenant === null) ? await namespaces() : [];
    for (const { id, tenant } of rows)
      for (const namespace of tenant === null ? everywhere : [namespaceOf(prefix, tenant)])
        add(namespace, id);
    return new Map([...groups].map(([namespace, ids]) => [namespace, [...ids]]));
  };

  const clear = async (): Promise<void> => {
    await Promise.all(
      (await namespaces()).map(async (namespace) => {
        const { requestLsn } = await ifThere(
          calls.call((index) => index.deleteAll({ namespace })),
          { value: undefined, requestLsn: null, indexedLsn: null },
        );
        await untilSearchable(namespace, requestLsn);
      }),
    );
  };

  const stats = await calls.call((index) => index.describeIndexStats()).catch(refused);
  const there = stats.value.dimension;
  if (there !== undefined && there !== dimensions)
    throw new FreshetError(
      'config-invalid',
      `the Pinecone index at ${host} holds vectors of ${there} dimensions, the embedding model makes ${dimensions}; name another index`,
    );
  if (settings.discard) await clear();

  const ids = async function* (): AsyncGenerator<string> {
    for (const namespace of await namespaces()) {
      let paginationToken: string | undefined;
      do {
        open();
        const { value } = await ifThere(
          calls.call((index) =>
            index.listPaginated({
              namespace,
              limit: IDS_IN_ADDRESS,
              ...(paginationToken ? { paginationToken } : {}),
            }),
          ),
          { value: {}, requestLsn: null, indexedLsn: null },
        );
        for (const { id } of value.vectors ?? []) {
          if (id === undefined) continue;
          yield id;
        }
        paginationToken = value.pagination?.next;
      } while (paginationToken);
    }
  };

  return {
    engine: 'pinecone',
    dimensions,
    upsert: async (rows) => {
      open();
      for (const { vector } of rows) checkVector(vector);
      const groups = new Map<string, VectorRow[]>();
      for (const row of new Map(rows.map((each) => [each.id, each])).values()) {
        const namespace = namespaceOf(prefix, row.tenant);
        const group = groups.get(namespace);
        if (group) group.push(row);
        else groups.set(namespace, [row]);
      }
      await Promise.all(
        [...groups].map(async ([namespace, group]) => {
          written.add(namespace);
          const batches = cutBatches(group.map(recordOf), limits);
          const lsns = await Promise.all(batches.map((batch) => write(namespace, batch)));
          await untilSearchable(namespace, highest(lsns)).catch(refused);
        }),
      );
    },
    remove: async (removed) => {
      open();
      await Promise.all(
        [...(await located(removed))].map(async ([namespace, group]) => {
          const lsns = await Promise.all(
            [...slicesOf(group, limits.maxRecords)].map(async (ids) => {
              const { requestLsn } = await ifThere(
                calls.call((index) => index.deleteMany({ namespace, ids })),
                { value: undefined, requestLsn: null, indexedLsn: null },
              );
              return requestLsn;
            }),
          );
          await untilSearchable(namespace, highest(lsns)).catch(refused);
        }),
      );
    },
    query: async ({ vector, topK, tenant, tags = [] }) => {
      open();
      checkVector(vector);
      if (!Number.isInteger(topK) || topK < 1 || topK > 1_000)
        throw new FreshetError('request-invalid', 'topK must be a whole number from 1 to 1,000');
      const namespace = namespaceOf(prefix, tenant);
      const filter = filterOf(tags);
      const { value } = await ifThere(
        calls.call(
          (index) =>
            index.query({ namespace, topK, vector: Array.from(vector), ...(filter ? { filter } : {}) }),
          'searches',
        ),
        { value: { matches: [], namespace }, requestLsn: null, indexedLsn: null },
      );
      return value.matches.map(({ id, score }) => ({ id, score: score ?? 0 }));
    },
    has: async (asked) => {
      open();
      const held = new Set<string>();
      await Promise.all(
        [...(await located(asked))].flatMap(([namespace, group]) =>
          [...slicesOf(group, IDS_IN_ADDRESS)].map(async (ids) => {
            const { value } = await ifThere(
              calls.call((index) => index.fetch({ namespace, ids })),
              { value: { records: {}, namespace }, requestLsn: null, indexedLsn: null },
            );
            for (const id of Object.keys(value.records)) {
              held.add(id);
            }
          }),
        ),
      );
      return held;
    },
    ids: () => {
      open();
      return ids();
    },
    count: async () => {
      open();
      const { value } = await calls.call((index) => index.describeIndexStats()).catch(refused);
      return Object.entries(value.namespaces ?? {})
        .filter(([name]) => isNamespaceOf(prefix, name))
        .reduce((sum, [, { recordCount }]) => sum + (recordCount ?? 0), 0);
    },
    clear: async () => {
      open();
      await clear().catch(refused);
    },
    close: async () => {
      closed = true;
      calls.close();
    },
  };
};
