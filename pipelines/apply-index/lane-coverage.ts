/**
 * What a lane covers of freshet.documents: each of its records says of which one it was made, and where none comes, the place
 * that the group of its pipeline had committed before the lane's end was looked up is covered once that end is passed (as rule W).
 */
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { COVERS_HEADER } from '../reembed-documents/reembed-partition.ts';

export interface LaneCoverage {
  applied(partition: number, last: KafkaRecord): void;
  /** `position`: the next offset of the lane's topic to apply. */
  of(partition: number, position: number): number;
  close(): void;
}

const LOOK_EVERY_MS = 500;

export const openLaneCoverage = (
  kafka: KafkaClient,
  topic: string,
  group: string,
  onTrouble: (error: Error) => void,
): LaneCoverage => {
  const covered = new Map<number, number>();
  const points = new Map<number, { readonly end: number; readonly covers: number }>();
  let looking = false;

  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      const committed = await kafka.admin.committed(group, TOPICS.documents.name);
      // After the commit was read: everything below it stands before this end.
      for (const { partition, latest } of await kafka.admin.offsets(topic)) {
        const covers = committed.get(partition)?.offset;
        if (covers !== undefined) points.set(partition, { end: latest, covers });
      }
    } catch (error) {
      onTrouble(error as Error);
    } finally {
      looking = false;
    }
  };
  void look();
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  const raise = (partition: number, to: number): number => {
    const next = Math.max(covered.get(partition) ?? 0, to);
    covered.set(partition, next);
    return next;
  };

  return {
    applied: (partition, last) => {
      const covers = Number(last.headers[COVERS_HEADER]?.toString('utf8'));
      if (Number.isInteger(covers)) raise(partition, covers);
    },
    of: (partition, position) => {
      const point = points.get(partition);
      return raise(partition, point && position >= point.end ? point.covers : 0);
    },
    close: () => clearInterval(timer),
  };
};
