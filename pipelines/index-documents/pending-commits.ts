/**
 * Offsets that are done and not yet committed. What a commit could not say is said by the next one: were it left out, a partition
 * on which nothing more comes would never be committed, and the watermark of its source would stand still (rule W).
 */
import type { TopicPartition } from '../../connectors/kafka/kafka.ts';

export type NextOffset = TopicPartition & { readonly offset: number };

export interface PendingCommits {
  /** Everything before this offset is done. */
  done(next: NextOffset): void;
  /** The partition is another's: what was done of it is not said any more, by a commit under way neither. */
  lost(at: TopicPartition): void;
  /** Says all of it. Errors: those of `commit`; what it did not say stays pending. */
  commit(): Promise<void>;
  /** Whether a commit is under way: the next one has to wait for it. */
  busy(): boolean;
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`;

export const createPendingCommits = (
  commit: (offsets: readonly NextOffset[]) => Promise<void>,
): PendingCommits => {
  const pending = new Map<string, NextOffset>();
  let saying = new Map<string, NextOffset>();
  let last: Promise<void> = Promise.resolve();
  let underWay = 0;

  const sayAll = async (): Promise<void> => {
    if (pending.size === 0) return;
    saying = new Map(pending);
    pending.clear();
    try {
      await commit([...saying.values()]);
    } catch (error) {
      for (const [key, next] of saying) if (!pending.has(key)) pending.set(key, next);
      throw error;
    } finally {
      saying = new Map();
    }
  };

  return {
    done: (next) => {
      pending.set(keyOf(next), next);
    },
    lost: (at) => {
      pending.delete(keyOf(at));
      saying.delete(keyOf(at));
    },
    commit: () => {
      // One at a time: a slow one that ends after the next would take the group back.
      underWay += 1;
      last = last
        .catch(() => undefined)
        .then(sayAll)
        .finally(() => {
          underWay -= 1;
        });
      return last;
    },
    busy: () => underWay > 0,
  };
};
