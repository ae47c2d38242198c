/** Reads records by their places, many in few passes: opening one takes 80 ms, whatever it reads. */
import type { KafkaClient, KafkaRecord } from '../connectors/kafka/kafka.ts';
import { type ScanRange, scanTopic } from '../connectors/kafka/scan.ts';
import { placeOf } from '../schemas/dead-letters.ts';
import type { DeadLetter } from '../schemas/records.ts';

type Origin = DeadLetter['origin'];

/** Offsets between two records that are read in one pass: all between are read too, however large they are. */
const CLOSE = 300;

interface Stretch {
  readonly first: number;
  readonly last: number;
}

const stretchesOf = (offsets: readonly number[]): readonly Stretch[] => {
  const stretches: Stretch[] = [];
  for (const offset of offsets.toSorted((a, b) => a - b)) {
    const before = stretches.at(-1);
    if (before && offset - before.last <= CLOSE)
      stretches[stretches.length - 1] = { ...before, last: offset };
    else stretches.push({ first: offset, last: offset });
  }
  return stretches;
};

const groupedBy = <Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): ReadonlyMap<Key, Item[]> => {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
};

/** Ranges that hold these places between them: of each partition one stretch at a time, of all partitions of a topic at once. Pure. */
export const passesOf = (origins: readonly Origin[]): readonly ScanRange[] =>
  [...groupedBy(origins, ({ topic }) => topic)].flatMap(([topic, inTopic]) => {
    const partitions = [...groupedBy(inTopic, ({ partition }) => partition)].map(([partition, places]) => ({
      partition,
      stretches: stretchesOf(places.map(({ offset }) => offset)),
    }));
    const most = Math.max(...partitions.map(({ stretches }) => stretches.length));
    return Array.from({ length: most }, (_, pass): ScanRange => {
      const read = partitions.flatMap(({ partition, stretches }) => {
        const stretch = stretches[pass];
        return stretch ? [{ partition, ...stretch }] : [];
      });
      return {
        topic,
        partitions: read.map(({ partition }) => partition),
        from: new Map(read.map(({ partition, first }) => [partition, first])),
        to: new Map(read.map(({ partition, last }) => [partition, last + 1])),
      };
    });
  });

/** By place; without those that are in the log no more. Errors: `kafka-unavailable`. */
export const readOrigins = async (
  kafka: KafkaClient,
  origins: readonly Origin[],
): Promise<ReadonlyMap<string, KafkaRecord>> => {
  const wanted = new Set(origins.map(placeOf));
  const found = new Map<string, KafkaRecord>();
  for (const pass of passesOf(origins))
    await scanTopic(kafka, pass, (record) => {
      const place = placeOf(record);
      if (wanted.has(place)) found.set(place, record);
    });
  return found;
};
