/**
 * One signal of several. AbortSignal.any leaves something on each of its sources for good, however long ago what it gave was
 * dropped (Node.js 20 to 24): a signal that lives as long as its worker gathers some with every call. And it holds its sources
 * weakly: a timeout that nobody else holds may be collected before it comes, and what hangs then hangs for good. What is linked here is
 * held until it is released, and then let go of.
 */
import { setMaxListeners } from 'node:events';

export interface LinkedSignal {
  /** Aborted with the first of its sources, for its reason. */
  readonly signal: AbortSignal;
  /** Its sources hold nothing of it any more. To be called when nobody needs it. */
  release(): void;
}

type Sources = readonly (AbortSignal | undefined)[];

export const linkSignals = (...sources: Sources): LinkedSignal => {
  const controller = new AbortController();
  const release = (): void => {
    for (const source of sources) source?.removeEventListener('abort', follow);
  };
  const follow = (): void => {
    controller.abort(sources.find((source) => source?.aborted)?.reason);
    release();
  };
  for (const source of sources) {
    if (!source) continue;
    // As many as there are calls under way.
    setMaxListeners(0, source);
    source.addEventListener('abort', follow);
  }
  if (sources.some((source) => source?.aborted)) follow();
  return { signal: controller.signal, release };
};

/** Work that ends with the first of several signals. */
export const withSignals = async <Of>(
  sources: Sources,
  work: (signal: AbortSignal) => Promise<Of>,
): Promise<Of> => {
  const { signal, release } = linkSignals(...sources);
  try {
    return await work(signal);
  } finally {
    release();
  }
};
