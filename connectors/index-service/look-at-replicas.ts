/**
 * How each index replica stands, looked at seldom and only while something is asked: a search takes what is known, and waits for
 * a look only after a time without any.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IndexReplica } from './index-service.ts';
import type { ReplicaLook } from './replica-order.ts';

const LOOK_EVERY_MS = 2_000;
/** What was seen longer ago says nothing any more: the next search waits for a look, for so long at most. */
const KNOWN_FOR_MS = 10_000;
const WAIT_MS = 500;
/** A look that has had no answer for so long: the replica stands still, or its process does. */
const SILENT_AFTER_MS = 2_000;

export interface ReplicaLooks {
  /** Resolves once something is known of each, at once where it is; looks again beside whoever asks where that is due. */
  known(): Promise<void>;
  /** Undefined where the last look failed: what is asked of it next says why. */
  of(replica: IndexReplica): ReplicaLook | undefined;
}

interface Seen {
  look: ReplicaLook | undefined;
  begunAt: number;
  endedAt: number;
  running: Promise<void> | undefined;
}

export const lookAtReplicas = (replicas: readonly IndexReplica[], now: () => number): ReplicaLooks => {
  const never = Number.NEGATIVE_INFINITY;
  const seen = new Map(
    replicas.map((replica): [IndexReplica, Seen] => [
      replica,
      { look: undefined, begunAt: never, endedAt: never, running: undefined },
    ]),
  );

  const look = async (replica: IndexReplica, of: Seen): Promise<void> => {
    try {
      const [notReady, watermarks] = await Promise.all([replica.notReady(), replica.watermarks()]);
      of.look = { notReady, watermarks };
    } catch {
      of.look = undefined;
    } finally {
      of.endedAt = now();
      of.running = undefined;
    }
  };

  return {
    known: async () => {
      const at = now();
      for (const [replica, of] of seen) {
        if (of.running || at - of.begunAt < LOOK_EVERY_MS) continue;
        of.begunAt = at;
        of.running = look(replica, of);
      }
      const awaited = [...seen.values()].filter(
        ({ begunAt, endedAt, running }) => running && at - endedAt > KNOWN_FOR_MS && at - begunAt < WAIT_MS,
      );
      if (awaited.length === 0) return;
      const gaveUp = new AbortController();
      await Promise.race([
        Promise.all(awaited.map(({ running }) => running)),
        sleep(WAIT_MS, undefined, { signal: gaveUp.signal }).catch(() => undefined),
      ]);
      gaveUp.abort();
    },
    of: (replica) => {
      const of = seen.get(replica);
      return of?.running && now() - of.begunAt > SILENT_AFTER_MS
        ? { notReady: 'an answer', watermarks: of.look?.watermarks ?? {} }
        : of?.look;
    },
  };
};
