/** The newest decision about each document, by the partition of freshet.documents that it is in. Pure but for being kept in place. */
import type { ReleaseDecision } from '../../schemas/release-decision.ts';

export interface HeldDecisions {
  set(decision: ReleaseDecision): void;
  /** Nothing is decided about it any more. */
  forget(documentId: string): void;
  get(documentId: string): ReleaseDecision | undefined;
  /** Oldest first. */
  about(partition: number): Iterable<ReleaseDecision>;
}

export const createHeldDecisions = (): HeldDecisions => {
  const byPartition = new Map<number, Map<string, ReleaseDecision>>();

  const forget = (documentId: string): void => {
    for (const decisions of byPartition.values()) decisions.delete(documentId);
  };

  return {
    set: (decision) => {
      forget(decision.documentId);
      const decisions = byPartition.get(decision.partition) ?? new Map<string, ReleaseDecision>();
      byPartition.set(decision.partition, decisions.set(decision.documentId, decision));
    },
    forget,
    get: (documentId) => {
      for (const decisions of byPartition.values()) {
        const decision = decisions.get(documentId);
        if (decision) return decision;
      }
      return undefined;
    },
    about: function* (partition) {
      yield* byPartition.get(partition)?.values() ?? [];
    },
  };
};
