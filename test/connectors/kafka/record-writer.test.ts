/** Which of the waiting appends go with the next send. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asCloudEvent } from '../../../connectors/kafka/as-cloud-event.ts';
import type { RecordToAppend } from '../../../connectors/kafka/kafka.ts';
import { goOnFirst, recordsForOneSend } from '../../../connectors/kafka/record-writer.ts';

const OVERHEAD = 200;
const waitingRecord = fc.record({
  record: fc.record({
    topic: fc.constantFrom('a', 'b'),
    partition: fc.constantFrom(0, 1, 2),
    key: fc.constant(null),
    value: fc.nat(3_000).map((bytes) => Buffer.alloc(bytes)),
  }),
});
const bytesByPartition = (
  waiting: readonly { readonly record: RecordToAppend }[],
): ReadonlyMap<string, number[]> => {
  const bytes = new Map<string, number[]>();
  for (const { record } of waiting) {
    const at = `${record.topic}:${record.partition}`;
    bytes.set(at, [...(bytes.get(at) ?? []), (record.value?.length ?? 0) + OVERHEAD]);
  }
  return bytes;
};
const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

test('no partition of a send is over the limit unless its one record is; always as many as fit, in their order', () => {
  fc.assert(
    fc.property(
      fc.array(waitingRecord, { maxLength: 20 }),
      fc.integer({ min: 500, max: 6_000 }),
      (waiting, limit) => {
        const count = recordsForOneSend(waiting, limit);
        expect(count).toBeGreaterThanOrEqual(Math.min(1, waiting.length));
        for (const sizes of bytesByPartition(waiting.slice(0, count)).values())
          if (sizes.length > 1) expect(sum(sizes)).toBeLessThanOrEqual(limit);
        if (count === waiting.length) return;
        const over = [...bytesByPartition(waiting.slice(0, count + 1)).values()].filter(
          (sizes) => sum(sizes) > limit,
        );
        expect(over.length).toBeGreaterThan(0);
      },
    ),
  );
});

test('a record of its own topics is a CloudEvent, whoever wrote it; what its writer says stands, and other topics are left alone', () => {
  const plain = { topic: 'freshet.alerts', key: 'a', value: null, headers: { traceparent: 't' } };
  const { headers } = asCloudEvent(plain);
  expect(headers).toMatchObject({
    traceparent: 't',
    ce_type: 'freshet.alerts',
    ce_source: 'freshet/record-writer',
  });
  expect(Number.isNaN(Date.parse(headers?.ce_time ?? ''))).toBe(false);
  expect(headers?.ce_id).not.toBe(asCloudEvent(plain).headers?.ce_id);
  const said = { ...plain, headers: { ce_id: 'mine' } };
  expect(asCloudEvent(said)).toBe(said);
  const change = { topic: 'cdc.shop', key: null, value: null };
  expect(asCloudEvent(change)).toBe(change);
});

test('records without a partition may all fall on one', () => {
  const one = { record: { topic: 'a', key: null, value: Buffer.alloc(800) } };
  expect(recordsForOneSend([one, one, one], 2_000)).toBe(2);
});

test('those who write again and again come to two halves: one is under way while the other works', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 200 }), fc.nat(), (writers, behind) => {
      let waiting = behind % writers;
      let underWay = writers - waiting;
      for (let sends = 0; sends < 10; sends += 1) {
        const acknowledged = underWay;
        const first = goOnFirst(acknowledged, waiting);
        underWay = waiting + first;
        waiting = acknowledged - first;
      }
      expect(Math.abs(underWay - waiting)).toBeLessThanOrEqual(1);
    }),
  );
});

test('where nothing waits, somebody goes on; where more wait, nobody has to', () => {
  expect(goOnFirst(1, 0)).toBe(1);
  expect(goOnFirst(50, 0)).toBe(25);
  expect(goOnFirst(49, 1)).toBe(24);
  expect(goOnFirst(25, 25)).toBe(0);
  expect(goOnFirst(1, 49)).toBe(0);
});
