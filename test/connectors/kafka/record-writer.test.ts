/** Which of the waiting appends go with the next send, and the writer's own rules, on a producer in memory. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RawProducer, RecordToAppend } from '../../../connectors/kafka/kafka.ts';
import { openRecordWriter, recordsForOneSend } from '../../../connectors/kafka/record-writer.ts';

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

test('records without a partition may all fall on one', () => {
  const one = { record: { topic: 'a', key: null, value: Buffer.alloc(800) } };
  expect(recordsForOneSend([one, one, one], 2_000)).toBe(2);
});

/** A producer whose sends the test lets through, or fails, one by one. */
const heldProducer = () => {
  const sends: { readonly records: readonly RecordToAppend[]; readonly settle: (error?: Error) => void }[] =
    [];
  let opened = 0;
  let end = 0;
  let inFlight = 0;
  const openProducer = async (): Promise<RawProducer> => {
    opened += 1;
    return {
      send: (records) =>
        new Promise((resolve, reject) => {
          inFlight += 1;
          expect(inFlight).toBe(1);
          sends.push({
            records,
            settle: (error) => {
              inFlight -= 1;
              if (error) reject(error);
              else resolve(records.map(() => ({ partition: 0, offset: end++ })));
            },
          });
        }),
      close: async () => undefined,
    };
  };
  return { openProducer, sends, opened: () => opened };
};
const named = (name: string): RecordToAppend => ({ topic: 'a', partition: 0, key: name, value: null });
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('one send in flight; what comes meanwhile goes with the next, and each gets its own places', async () => {
  const producer = heldProducer();
  const writer = openRecordWriter(producer);
  const first = writer.append([named('1')]);
  await turn();
  const second = writer.append([named('2'), named('3')]);
  const third = writer.append([named('4')]);
  await turn();
  expect(producer.sends).toHaveLength(1);
  expect(writer.pending()).toBe(4);
  producer.sends[0]?.settle();
  expect(await first).toEqual([{ partition: 0, offset: 0 }]);
  await turn();
  expect(producer.sends[1]?.records.map(({ key }) => key)).toEqual(['2', '3', '4']);
  producer.sends[1]?.settle();
  expect((await second).map(({ offset }) => offset)).toEqual([1, 2]);
  expect((await third).map(({ offset }) => offset)).toEqual([3]);
  expect(writer.pending()).toBe(0);
});

test('one append over the limit takes several sends, one after the other, and resolves with all its places', async () => {
  const producer = heldProducer();
  const writer = openRecordWriter(producer, { maxPending: 100, maxPartitionBytes: 2_000 });
  const large = (key: string): RecordToAppend => ({ ...named(key), value: Buffer.alloc(790) });
  const many = writer.append(['1', '2', '3', '4', '5'].map(large));
  await turn();
  for (const [at, keys] of [['1', '2'], ['3', '4'], ['5']].entries()) {
    expect(producer.sends[at]?.records.map(({ key }) => key)).toEqual(keys);
    producer.sends[at]?.settle();
    await turn();
  }
  expect((await many).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4]);
  const half = writer.append(['6', '7', '8'].map(large));
  await turn();
  producer.sends[3]?.settle();
  await turn();
  producer.sends[4]?.settle(new Error('gone'));
  await expect(half).rejects.toMatchObject({ code: 'append-failed' });
});

test('a final failure rejects what was sent and all that waits, and the next append has a new producer', async () => {
  const producer = heldProducer();
  const writer = openRecordWriter(producer);
  const failing = [writer.append([named('1')]), writer.append([named('2')])];
  await turn();
  const late = writer.append([named('3')]);
  await turn();
  producer.sends[0]?.settle(new Error('gone'));
  for (const each of [...failing, late]) await expect(each).rejects.toMatchObject({ code: 'append-failed' });
  const after = writer.append([named('4')]);
  await turn();
  expect(producer.opened()).toBe(2);
  expect(producer.sends.at(-1)?.records.map(({ key }) => key)).toEqual(['4']);
  producer.sends.at(-1)?.settle();
  await after;
});

test('a producer that cannot be opened fails the append, and is asked for again', async () => {
  let away = true;
  const producer = heldProducer();
  const writer = openRecordWriter({
    openProducer: () => (away ? Promise.reject(new Error('away')) : producer.openProducer()),
  });
  await expect(writer.append([named('1')])).rejects.toMatchObject({ code: 'append-failed' });
  away = false;
  const after = writer.append([named('2')]);
  await turn();
  producer.sends[0]?.settle();
  await after;
});

test('waiting appends have a limit', async () => {
  const producer = heldProducer();
  const writer = openRecordWriter(producer, { maxPending: 2, maxPartitionBytes: 1_000 });
  const taken = [writer.append([named('1')])];
  await turn();
  taken.push(writer.append([named('2')]), writer.append([named('3')]));
  await expect(writer.append([named('4')])).rejects.toMatchObject({ code: 'too-many-requests' });
  producer.sends[0]?.settle();
  await turn();
  producer.sends[1]?.settle();
  await Promise.all(taken);
});

test('close sends what waits; after it nothing is taken', async () => {
  const producer = heldProducer();
  const writer = openRecordWriter(producer);
  const last = writer.append([named('1')]);
  await turn();
  const closed = writer.close();
  await expect(writer.append([named('2')])).rejects.toMatchObject({ code: 'append-failed' });
  producer.sends[0]?.settle();
  await closed;
  await last;
});
