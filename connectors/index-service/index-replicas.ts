/**
 * Several index replicas as one: each holds everything, so any that is fresh enough may answer. Searches go round those that are
 * fit (replica-order.ts); one that does not answer is left alone for a while and the next is asked. What is covered is what all
 * of them cover: a replica that searches pass over still calls for a person.
 */
import { FreshetError, hasCode } from '../../schemas/errors.ts';
import { linkSignals } from '../../schemas/linked-signal.ts';
import { DEFAULT_FRESHNESS_WAIT_MS, type SourceWatermark } from '../../schemas/search.ts';
import { agedWatermarks } from '../../schemas/watermark-age.ts';
import { openIndexClient } from './index-client.ts';
import type { IndexReplica, IndexService } from './index-service.ts';
import { lookAtReplicas } from './look-at-replicas.ts';
import { replicaOrder } from './replica-order.ts';
import { worstWatermarks } from './worst-watermarks.ts';

/** A replica that did not answer is asked again after this long; all of them are asked when none is left. */
const LEFT_ALONE_MS = 1_000;

const isUnavailable = (thrown: unknown): boolean => hasCode(thrown, 'index-unavailable');
const isStale = (thrown: unknown): boolean => hasCode(thrown, 'stale');

const noReplica = (): FreshetError =>
  new FreshetError('index-unavailable', 'no index replica is configured; give their addresses with --index');

/**
 * `turn`: which is asked first, any whole number. Errors: those of the service; `index-unavailable` when no replica answers,
 * `stale` when none is fresh enough in time.
 */
export const amongReplicas = (
  replicas: readonly IndexReplica[],
  now: () => number = Date.now,
  turn = 0,
): IndexService => {
  const downUntil = new Map<IndexService, number>();
  const heardLast = new Map<
    IndexService,
    { readonly at: number; readonly watermarks: Readonly<Record<string, SourceWatermark>> }
  >();
  const looks = lookAtReplicas(replicas, now);
  let asked = turn;

  const inTurn = (lookOf: typeof looks.of = looks.of): readonly IndexReplica[] => {
    asked += 1;
    const isDown = (each: IndexService): boolean => (downUntil.get(each) ?? 0) > now();
    const up = replicas.filter((each) => !isDown(each));
    return [...replicaOrder(up, lookOf, asked), ...replicaOrder(replicas.filter(isDown), lookOf, asked)];
  };

  /** Notes whether it answers. `signal` ends the asking, and one that was not let answer is not away. */
  const heard = async <T>(
    replica: IndexReplica,
    ask: (replica: IndexReplica) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    try {
      const answer = await ask(replica);
      downUntil.delete(replica);
      return answer;
    } catch (thrown) {
      if (isUnavailable(thrown) && !signal?.aborted) downUntil.set(replica, now() + LEFT_ALONE_MS);
      throw thrown;
    }
  };

  /** The first that answers; `passOn` says which other failures let the next one try. */
  const first = async <T>(
    ask: (replica: IndexReplica) => Promise<T>,
    signal?: AbortSignal,
    passOn: (thrown: unknown) => boolean = () => false,
  ): Promise<T> => {
    let failure: unknown;
    await looks.known();
    for (const replica of inTurn()) {
      try {
        return await heard(replica, ask, signal);
      } catch (thrown) {
        if (signal?.aborted || (!isUnavailable(thrown) && !passOn(thrown))) throw thrown;
        // What a replica that answers says weighs more than another's silence.
        if (failure === undefined || !isUnavailable(thrown)) failure = thrown;
      }
    }
    throw failure ?? noReplica();
  };

  /** All at once: the first that can answer does, and the others are ended. */
  const soonest = async <T>(
    ask: (replica: IndexReplica, signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const answered = new AbortController();
    const { signal: ended, release } = linkSignals(signal, answered.signal);
    const failures: unknown[] = [];
    try {
      return await Promise.any(
        replicas.map((replica) =>
          heard(replica, (each) => ask(each, ended), ended).catch((thrown: unknown) => {
            failures.push(thrown);
            throw thrown;
          }),
        ),
      );
    } catch {
      throw failures.find(isStale) ?? failures.find((each) => !isUnavailable(each)) ?? failures[0];
    } finally {
      answered.abort();
      release();
    }
  };

  /** Asks every replica as it stands; where none is fresh enough, waits at all of them at once for what is left of the time. */
  const whenFresh = async <T>(
    waitMs: number,
    ask: (replica: IndexReplica, waitMs: number, signal?: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const deadline = now() + waitMs;
    try {
      return await first((replica) => ask(replica, 0, signal), signal, isStale);
    } catch (thrown) {
      if (!isStale(thrown) || waitMs === 0) throw thrown;
    }
    return soonest((replica, ended) => ask(replica, Math.max(0, deadline - now()), ended), signal);
  };

  return {
    search: (request, signal) => {
      const { freshness } = request;
      if (!freshness) return first((replica) => replica.search(request, signal), signal);
      return whenFresh(
        freshness.waitMs ?? DEFAULT_FRESHNESS_WAIT_MS,
        (replica, waitMs, ended) =>
          replica.search({ ...request, freshness: { ...freshness, waitMs } }, ended),
        signal,
      );
    },
    covers: ({ freshness, ...rest }, signal) =>
      whenFresh(
        freshness?.waitMs ?? DEFAULT_FRESHNESS_WAIT_MS,
        (replica, waitMs, ended) => replica.covers({ ...rest, freshness: { ...freshness, waitMs } }, ended),
        signal,
      ),
    describe: (ids) => first((replica) => replica.describe(ids)),
    floor: (source, table) => first((replica) => replica.floor(source, table)),
    restore: async (ids) => {
      const restored = await Promise.all(replicas.map((replica) => replica.restore(ids)));
      return restored.reduce((sum, each) => sum + each, 0);
    },
    list: (source, table) => inTurn()[0]?.list(source, table) ?? none(),
    document: (id) => first((replica) => replica.document(id)),
    watermarks: async () => {
      const answers = await Promise.allSettled(replicas.map((replica) => replica.watermarks()));
      for (const [at, answer] of answers.entries()) {
        const replica = replicas[at];
        if (replica && answer.status === 'fulfilled')
          heardLast.set(replica, { at: now(), watermarks: answer.value });
      }
      const failed = answers.find((answer) => answer.status === 'rejected');
      if (!answers.some(({ status }) => status === 'fulfilled')) throw failed?.reason ?? noReplica();
      return worstWatermarks(
        replicas.map((replica) => {
          const last = heardLast.get(replica);
          return last && agedWatermarks(last.watermarks, Math.max(0, now() - last.at));
        }),
      );
    },
    status: async () => {
      const answers = await Promise.allSettled(
        inTurn(() => undefined).map((replica) => heard(replica, (each) => each.status())),
      );
      const statuses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      const failed = answers.find((answer) => answer.status === 'rejected');
      const worst =
        statuses.find(({ trouble }) => trouble !== null) ??
        statuses.find(({ current }) => !current) ??
        statuses[0];
      if (!worst) throw failed?.reason ?? noReplica();
      return worst;
    },
    // One that searches pass over may be the one that needs it.
    rebuild: () => inTurn(() => undefined)[0]?.rebuild() ?? none(),
    one: () =>
      first(async (replica) => {
        await replica.watermarks();
        return replica;
      }),
  };
};

// biome-ignore lint/correctness/useYield: whoever reads on learns that there is nothing to read from
const none = async function* (): AsyncGenerator<never> {
  throw noReplica();
};

/** `addresses`: base URLs of replicas, separated by commas. */
export const openIndex = (addresses: string): IndexService => {
  const [only, ...others] = addresses.split(',').map((address) => openIndexClient(address.trim()));
  if (only && others.length === 0) return only;
  // Processes that all began with the same one would ask it together, and a comparison would always be with it.
  return amongReplicas(only ? [only, ...others] : [], Date.now, Math.floor(Math.random() * 1_000));
};
