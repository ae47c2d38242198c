/** What stands in quarantine, however much it is: read from freshet.quarantine itself, as the list holds the newest 10,000 alone. */
import type { KafkaClient } from '../connectors/kafka/kafka.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { isUnreadable } from '../schemas/errors.ts';
import type { Quarantined } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import { atMost } from './at-most.ts';
import { createQuarantinePage } from './quarantine-page.ts';

/** Where a page goes on: offsets of freshet.quarantine, which has one partition. */
export interface QuarantinePlace {
  readonly from: number;
  /** The log's end when the first page was read. */
  readonly before: number;
}

export interface FoundQuarantined {
  readonly items: readonly Quarantined[];
  readonly more: number;
  readonly next: QuarantinePlace | null;
}

/** Errors: `kafka-unavailable`, `too-many-requests`. */
export type FindQuarantined = (
  matches: (record: Quarantined) => boolean,
  most: number,
  place?: QuarantinePlace,
) => Promise<FoundQuarantined>;

const PARTITION = 0;
const MOST_AT_ONCE = 2;

export const createFindQuarantined = (
  kafka: KafkaClient,
  codec: Pick<RecordCodec, 'decode'>,
): FindQuarantined => {
  const topic = TOPICS.quarantine.name;
  const oneOfFew = atMost(MOST_AT_ONCE, 'quarantine is being read for others already; try again');
  return (matches, most, place) =>
    oneOfFew(async () => {
      const [log] = await kafka.admin.offsets(topic);
      const { from, before } = place ?? { from: 0, before: log?.latest ?? 0 };
      const found = createQuarantinePage({ matches, most, before });
      await scanTopic(kafka, { topic, from: new Map([[PARTITION, from]]) }, async ({ offset, value }) => {
        // One that cannot be read is no refusal of anything; the read models say so where they meet it.
        const record = await codec.decode('Quarantined', value).catch((error) => {
          if (!isUnreadable(error)) throw error;
          return undefined;
        });
        if (record) found.add(offset, record);
      });
      const { items, more, next } = found.page();
      return { items, more, next: next === null ? null : { from: next, before } };
    });
};
