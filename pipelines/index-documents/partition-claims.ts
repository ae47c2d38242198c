/**
 * Which partitions this member still has, over the waits of taking them on: one that went meanwhile, or went and came again,
 * belongs to a later taking on or to another member. Pure but for what it remembers.
 */
export interface PartitionClaims {
  /** Begins to take partitions on; what it returns says which of them are still to be had by it. */
  claim(partitions: readonly number[]): () => readonly number[];
  lose(partition: number): void;
}

export const createPartitionClaims = (): PartitionClaims => {
  const newest = new Map<number, symbol>();
  return {
    claim: (partitions) => {
      const mine = Symbol('claim');
      for (const partition of partitions) newest.set(partition, mine);
      return () => partitions.filter((partition) => newest.get(partition) === mine);
    },
    lose: (partition) => newest.delete(partition),
  };
};
