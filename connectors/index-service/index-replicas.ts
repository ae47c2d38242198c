/**
 * Several index replicas as one: each holds everything, so any that is fresh enough may answer. Searches go round the healthy
 * ones; one that does not answer is left alone for a while and the next is asked.
 */
import { FreshetError } from '../../schemas/errors.ts';
import { DEFAULT_FRESHNESS_WAIT_MS } from '../../schemas/search.ts';
import { openIndexClient } from './index-client.ts';
import type { IndexService } from './index-service.ts';

/** A replica that did not answer is asked again after this long; all of them are asked when none is left. */
const LEFT_ALONE_MS = 1_000;

const isCode = (thrown: unknown, code: FreshetError['code']): boolean =>
  thrown instanceof FreshetError && thrown.code === code;

/** Errors: those of the service; `index-unavailable` when no replica answers, `stale` when none is fresh enough in time. */
export const amongReplicas = (
  replicas: readonly IndexService[],
  now: () => number = Date.now,
): IndexService => {
  const downUntil = new Map<IndexService, number>();
  let turn = 0;

  const inTurn = (): readonly IndexService[] => {
    turn = (turn + 1) % replicas.length;
    const all = [...replicas.slice(turn), ...replicas.slice(0, turn)];
    const isDown = (each: IndexService): boolean => (downUntil.get(each) ?? 0) > now();
    return [...all.filter((each) => !isDown(each)), ...all.filter(isDown)];
  };

  /** The first that answers; `passOn` says which other failures let the next one try. */
  const first = async <T>(
    ask: (replica: IndexService) => Promise<T>,
    passOn: (thrown: unknown) => boolean = () => false,
  ): Promise<T> => {
    let failure: unknown;
    for (const replica of inTurn()) {
      try {
        const answer = await ask(replica);
        downUntil.delete(replica);
        return answer;
      } catch (thrown) {
        const unavailable = isCode(thrown, 'index-unavailable');
        if (unavailable) downUntil.set(replica, now() + LEFT_ALONE_MS);
        if (!unavailable && !passOn(thrown)) throw thrown;
        // What a replica that answers says weighs more than another's silence.
        if (failure === undefined || !unavailable) failure = thrown;
      }
    }
    throw failure;
  };

  /** Asks every replica as it stands; where none is fresh enough, waits at one after the other for what is left of the time. */
  const whenFresh = async <T>(
    waitMs: number,
    ask: (replica: IndexService, waitMs: number) => Promise<T>,
  ): Promise<T> => {
    const stale = (thrown: unknown): boolean => isCode(thrown, 'stale');
    const deadline = now() + waitMs;
    try {
      return await first((replica) => ask(replica, 0), stale);
    } catch (thrown) {
      if (!stale(thrown) || waitMs === 0) throw thrown;
    }
    return first((replica) => ask(replica, Math.max(0, deadline - now())), stale);
  };

  return {
    search: (request, signal) => {
      const { freshness } = request;
      if (!freshness) return first((replica) => replica.search(request, signal));
      return whenFresh(freshness.waitMs ?? DEFAULT_FRESHNESS_WAIT_MS, (replica, waitMs) =>
        replica.search({ ...request, freshness: { ...freshness, waitMs } }, signal),
      );
    },
    covers: ({ freshness, ...asked }) =>
      whenFresh(freshness?.waitMs ?? DEFAULT_FRESHNESS_WAIT_MS, (replica, waitMs) =>
        replica.covers({ ...asked, freshness: { ...freshness, waitMs } }),
      ),
    describe: (ids) => first((replica) => replica.describe(ids)),
    floor: (source, table) => first((replica) => replica.floor(source, table)),
    restore: async (ids) => {
      const restored = await Promise.all(replicas.map((replica) => replica.restore(ids)));
      return restored.reduce((sum, each) => sum + each, 0);
    },
    list: (source, table) => inTurn()[0]?.list(source, table) ?? none(),
    document: (id) => first((replica) => replica.document(id)),
    watermarks: () => first((replica) => replica.watermarks()),
    status: () => first((replica) => replica.status()),
    rebuild: () => inTurn()[0]?.rebuild() ?? none(),
  };
};

// biome-ignore lint/correctness/useYield: whoever reads on learns that there is nothing to read from
const none = async function* (): AsyncGenerator<never> {
  throw new FreshetError('index-unavailable', 'no index replica is configured');
};

/** `addresses`: base URLs of replicas, separated by commas. */
export const openIndex = (addresses: string): IndexService => {
  const [only, ...others] = addresses.split(',').map((address) => openIndexClient(address.trim()));
  return only && others.length === 0 ? only : amongReplicas(only ? [only, ...others] : []);
};
