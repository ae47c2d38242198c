/**
 * Partition p of every subscribed topic goes to the same member, so that whoever owns a partition of changes owns
 * the same partition of documents, and whoever owns a partition of tasks owns its journal.
 */
export const coPartitionAssignment = (
  members: readonly string[],
  partitionsByTopic: Readonly<Record<string, readonly number[]>>,
): Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> => {
  const ordered = [...members].sort();
  const assignment: Record<string, Record<string, number[]>> = {};
  for (const member of ordered) assignment[member] = {};
  for (const [topic, partitions] of Object.entries(partitionsByTopic)) {
    for (const partition of partitions) {
      const member = ordered[partition % ordered.length];
      const topics = member === undefined ? undefined : assignment[member];
      if (topics) topics[topic] = [...(topics[topic] ?? []), partition];
    }
  }
  return assignment;
};
