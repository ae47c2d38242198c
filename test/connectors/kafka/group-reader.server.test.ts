/** Rule O on a real group: nothing lost, nothing doubled where a partition stays, nothing skipped silently. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import {
  type GroupReader,
  type GroupReaderHandlers,
  openGroupReader,
} from '../../../connectors/kafka/group-reader.ts';
import { openRecordWriter, type RecordWriter } from '../../../connectors/kafka/record-writer.ts';
import type { FreshetError } from '../../../schemas/errors.ts';
import { type KafkaUnderTest, openKafkaUnderTest } from '../../support/kafka-under-test.ts';
import { until } from '../../support/until.ts';

let kafka: KafkaUnderTest;
let writer: RecordWriter;
beforeAll(async () => {
  kafka = await openKafkaUnderTest(inject('stack').kafka);
  writer = openRecordWriter(kafka.client);
});
afterAll(async () => {
  await writer?.close();
  await kafka?.close();
});

const append = async (topic: string, partition: number, count: number): Promise<void> => {
  await writer.append(
    Array.from({ length: count }, () => ({ topic, partition, key: null, value: Buffer.from('x') })),
  );
};

/** A member that notes, for every stretch of owning a partition, the offsets it was given. */
const member = async (
  groupId: string,
  topics: readonly string[],
  options: {
    readonly gapless?: boolean;
    readonly commits?: boolean;
    readonly restMs?: number;
    readonly handlers?: Partial<GroupReaderHandlers>;
  } = {},
) => {
  const stretches: { readonly key: string; readonly offsets: number[]; ended: boolean }[] = [];
  const failures: FreshetError[] = [];
  const current = (key: string) => stretches.find((each) => each.key === key && !each.ended);
  const opened: GroupReader[] = [];
  const reader = await openGroupReader(
    kafka.client,
    {
      ...{ groupId, topics, maxWaitMs: 50, restMs: () => options.restMs ?? 0 },
      ...(options.gapless ? { gapless: () => true } : {}),
    },
    {
      onAssigned: async (partitions) => {
        for (const { topic, partition } of partitions)
          stretches.push({ key: `${topic}:${partition}`, offsets: [], ended: false });
        return [];
      },
      onRevoked: (partitions) => {
        for (const { topic, partition } of partitions) {
          const stretch = current(`${topic}:${partition}`);
          if (stretch) stretch.ended = true;
        }
      },
      onBatch: ({ topic, partition, records }) => {
        const offsets = records.map((each) => each.offset);
        current(`${topic}:${partition}`)?.offsets.push(...offsets);
        if (options.commits)
          void opened[0]
            ?.commit([{ topic, partition, offset: (offsets.at(-1) ?? 0) + 1 }])
            .catch(() => undefined);
      },
      onFailure: (error) => failures.push(error),
      ...options.handlers,
    },
  );
  opened.push(reader);
  const offsetsOf = (key: string): readonly number[] =>
    stretches.filter((each) => each.key === key).flatMap((each) => each.offsets);
  return { reader, stretches, failures, offsetsOf };
};
type Member = Awaited<ReturnType<typeof member>>;
const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from }, (_, at) => from + at);
const isContiguous = (offsets: readonly number[]): boolean =>
  offsets.every((offset, at) => at === 0 || offset === (offsets[at - 1] ?? 0) + 1);

test('members come and go under load: nothing is lost, what stays with a member comes once, partition p of both topics has one owner', async () => {
  const topics = [await kafka.topic(4), await kafka.topic(4)];
  const group = `test.${randomUUID()}`;
  let writing = true;
  const ends = new Map<string, number>();
  const load = (async () => {
    while (writing) {
      for (const topic of topics)
        for (let partition = 0; partition < 4; partition += 1) {
          await append(topic, partition, 3);
          ends.set(`${topic}:${partition}`, (ends.get(`${topic}:${partition}`) ?? 0) + 3);
        }
    }
  })();
  const first = await member(group, topics, { commits: true });
  const members: Member[] = [first];
  const owned = (each: Member): readonly string[] =>
    each.reader.owned().map(({ topic, partition }) => `${topic}:${partition}`);
  const grown = async (each: Member): Promise<void> => {
    const before = new Map(owned(each).map((key) => [key, each.offsetsOf(key).length]));
    await until('records go on coming', () =>
      owned(each).every((key) => each.offsetsOf(key).length > (before.get(key) ?? 0) + 5),
    );
  };
  await until('the first member owns all', () => first.reader.owned().length === 8);
  await grown(first);
  for (let round = 0; round < 2; round += 1) {
    const second = await member(group, topics, { commits: true });
    members.push(second);
    await until(
      'both own half',
      () => first.reader.owned().length === 4 && second.reader.owned().length === 4,
    );
    // What stays with a member is one stretch through the rebalance, so contiguous means once.
    if (round === 0)
      expect(first.stretches.filter((each) => !each.ended && each.offsets[0] === 0)).toHaveLength(4);
    for (const each of [first, second]) {
      const numbers = each.reader.owned().map(({ partition }) => partition);
      for (const partition of numbers) expect(numbers.filter((other) => other === partition)).toHaveLength(2);
      await grown(each);
    }
    await second.reader.close();
    await until('the first owns all again', () => first.reader.owned().length === 8);
    await grown(first);
  }
  writing = false;
  await load;
  await until('all was read', () => [...ends].every(([key, end]) => first.offsetsOf(key).at(-1) === end - 1));
  await first.reader.close();
  for (const [key, end] of ends) {
    const all = members.flatMap((each) => each.stretches.filter((stretch) => stretch.key === key));
    for (const stretch of all) expect(isContiguous(stretch.offsets)).toBe(true);
    expect(new Set(all.flatMap((stretch) => stretch.offsets))).toEqual(new Set(range(0, end)));
  }
  expect(members.flatMap((each) => each.failures)).toEqual([]);
});

test('a partition that is paused waits, others go on; resumed, nothing is missing', async () => {
  const topic = await kafka.topic(2);
  const each = await member(`test.${randomUUID()}`, [topic]);
  await until('owned', () => each.reader.owned().length === 2);
  await append(topic, 0, 5);
  await until('read', () => each.offsetsOf(`${topic}:0`).length === 5);
  each.reader.pause({ topic, partition: 0 });
  await append(topic, 0, 5);
  await append(topic, 1, 5);
  await until('the other goes on', () => each.offsetsOf(`${topic}:1`).length === 5);
  await append(topic, 1, 5);
  await until('and on', () => each.offsetsOf(`${topic}:1`).length === 10);
  expect(each.offsetsOf(`${topic}:0`)).toEqual(range(0, 5));
  each.reader.resume({ topic, partition: 0 });
  await until('the rest', () => each.offsetsOf(`${topic}:0`).length === 10);
  expect(each.offsetsOf(`${topic}:0`)).toEqual(range(0, 10));
  await each.reader.close();
});

test('a rewound partition comes again from where it was rewound to', async () => {
  const topic = await kafka.topic(1);
  const each = await member(`test.${randomUUID()}`, [topic]);
  await append(topic, 0, 10);
  await until('read', () => each.offsetsOf(`${topic}:0`).length === 10);
  each.reader.rewind({ topic, partition: 0, offset: 4 });
  await append(topic, 0, 2);
  await until('read again', () => each.offsetsOf(`${topic}:0`).at(-1) === 11);
  expect(each.offsetsOf(`${topic}:0`)).toEqual([...range(0, 10), ...range(4, 12)]);
  expect(each.failures).toEqual([]);
  await each.reader.close();
});

test('moved and held while the library holds no group after a crash: it counts once the group is joined again', async () => {
  const topic = await kafka.topic(2);
  // What the library itself stops by when no broker is there any more; it starts again after the time.
  const crash = Object.assign(new Error('no broker'), {
    name: 'KafkaJSNoBrokerAvailableError',
    retriable: true,
    retryTime: 500,
  });
  const read: number[][] = [[], []];
  let crashes = false;
  let whileGone = (): void => undefined;
  const reader = await openGroupReader(
    {
      ...kafka.client,
      consume: (settings, events) =>
        kafka.client.consume(settings, {
          ...events,
          onCrash: (error, restarts) => {
            events.onCrash(error, restarts);
            whileGone();
          },
        }),
    },
    { groupId: `test.${randomUUID()}`, topics: [topic], maxWaitMs: 50 },
    {
      onAssigned: async () => [],
      onRevoked: () => undefined,
      onBatch: ({ partition, records }) => {
        read[partition]?.push(...records.map(({ offset }) => offset));
        if (crashes) throw crash;
      },
      onFailure: (error) => expect.unreachable(error.message),
    },
  );
  onTestFinished(() => reader.close());
  await append(topic, 0, 5);
  await append(topic, 1, 5);
  await until('read', () => read.flat().length === 10);

  const thrown: unknown[] = [];
  let said = false;
  whileGone = () => {
    crashes = false;
    try {
      reader.rewind({ topic, partition: 0, offset: 2 });
      reader.pause({ topic, partition: 1 });
      reader.pause({ topic, partition: 0 });
      reader.resume({ topic, partition: 0 });
    } catch (error) {
      thrown.push(error);
    }
    said = true;
  };
  crashes = true;
  await append(topic, 1, 1);
  await until('the library has crashed', () => said);
  expect(thrown).toEqual([]);
  await append(topic, 0, 1);
  await append(topic, 1, 1);
  await until('read on', () => read[0]?.at(-1) === 5);
  expect(read).toEqual([[...range(0, 5), ...range(2, 6)], range(0, 6)]);
  reader.resume({ topic, partition: 1 });
  await until('the rest', () => read[1]?.at(-1) === 6);
  expect(read[1]).toEqual(range(0, 7));
});

/** A group that has committed an offset of the topic's only partition, which holds records. */
const committedAt = async (topic: string, offset: number): Promise<string> => {
  const group = `test.${randomUUID()}`;
  const each = await member(group, [topic]);
  await until('reading', () => each.offsetsOf(`${topic}:0`).length > 0);
  await each.reader.commit([{ topic, partition: 0, offset }]);
  await each.reader.close();
  return group;
};

test('a group goes on where it committed', async () => {
  const topic = await kafka.topic(1);
  await append(topic, 0, 10);
  const group = await committedAt(topic, 6);
  const each = await member(group, [topic], { gapless: true });
  await until('read', () => each.offsetsOf(`${topic}:0`).length === 4);
  expect(each.offsetsOf(`${topic}:0`)).toEqual(range(6, 10));
  await each.reader.close();
});

test('committed below the earliest offset: said, and nothing read, where every record counts; passed over where compaction did it', async () => {
  const topic = await kafka.topic(1);
  await append(topic, 0, 10);
  const group = await committedAt(topic, 3);
  await kafka.deleteRecordsBefore(topic, 0, 6);
  const strict = await member(group, [topic], { gapless: true });
  await until('noticed', () => strict.failures.length > 0);
  expect(strict.failures[0]).toMatchObject({
    code: 'offsets-out-of-range',
    message: expect.stringContaining('begins at 6'),
  });
  expect(strict.offsetsOf(`${topic}:0`)).toEqual([]);
  await strict.reader.close();
  const lenient = await member(group, [topic]);
  await until('read', () => lenient.offsetsOf(`${topic}:0`).length === 4);
  expect(lenient.failures).toEqual([]);
  await lenient.reader.close();
});

test('a batch whose last record compaction took is passed over, not taken for a loss', async () => {
  const topic = `test.compacted.${randomUUID()}`;
  const settings = {
    'cleanup.policy': 'compact',
    'segment.bytes': '1048576',
    'min.cleanable.dirty.ratio': '0.001',
    'max.compaction.lag.ms': '1000',
  };
  await kafka.client.admin.createTopics([{ name: topic, partitions: 1, settings }]);
  await kafka.cleanOften(true);
  onTestFinished(() => kafka.cleanOften(false));
  const record = (key: string, bytes: number) => ({
    ...{ topic, partition: 0, key },
    value: Buffer.alloc(bytes, 'x'),
  });
  // One batch, [a, b]; b is written again, in a segment that has no room to be merged with the first.
  await writer.append([record('a', 700_000), record('b', 10)]);
  await writer.append([record('b', 700_000)]);
  await writer.append([record('c', 700_000)]);
  const read = async (): Promise<readonly number[]> => {
    const each = await member(`test.${randomUUID()}`, [topic]);
    try {
      await until(
        'read or stopped',
        () => each.offsetsOf(`${topic}:0`).includes(3) || each.failures.length > 0,
      );
      expect(each.failures).toEqual([]);
      return each.offsetsOf(`${topic}:0`);
    } finally {
      await each.reader.close();
    }
  };
  await until('compacted', async () => !(await read()).includes(1), { every: 200 });
  expect(await read()).toEqual([0, 2, 3]);
});

test('records deleted under a reader: said at once, and said again after a restart, until a person decides', async () => {
  const topic = await kafka.topic(1);
  await append(topic, 0, 10);
  const group = await committedAt(topic, 2);
  const failing = await member(group, [topic], { gapless: true });
  await until('read', () => failing.offsetsOf(`${topic}:0`).length === 8);
  failing.reader.pause({ topic, partition: 0 });
  failing.reader.rewind({ topic, partition: 0, offset: 4 });
  await kafka.deleteRecordsBefore(topic, 0, 8);
  failing.reader.resume({ topic, partition: 0 });
  await until('noticed', () => failing.failures.length > 0);
  expect(failing.failures[0]).toMatchObject({ code: 'offsets-out-of-range' });
  expect(failing.offsetsOf(`${topic}:0`)).toEqual(range(2, 10));
  // The library has by then overwritten what the group had committed.
  await until(
    'put back',
    async () => (await kafka.client.admin.committed(group, topic)).get(0)?.offset === 2,
  );
  await failing.reader.close();
  const again = await member(group, [topic], { gapless: true });
  await until('noticed again', () => again.failures.length > 0);
  expect(again.failures[0]).toMatchObject({ code: 'offsets-out-of-range' });
  await again.reader.close();
});

test('a topic made anew under a reader is noticed; whoever starts after it reads it from its beginning', async () => {
  const topic = await kafka.topic(1);
  await append(topic, 0, 10);
  const group = `test.${randomUUID()}`;
  const each = await member(group, [topic]);
  await until('read', () => each.offsetsOf(`${topic}:0`).length === 10);
  await kafka.client.admin.deleteTopics([topic]);
  await until('gone', async () => !(await kafka.client.admin.listTopics()).includes(topic));
  await kafka.client.admin.createTopics([{ name: topic, partitions: 1, settings: {} }]);
  await append(topic, 0, 3);
  await until('noticed', () => each.failures.length > 0);
  expect(each.failures[0]).toMatchObject({ code: 'offsets-out-of-range' });
  expect(each.offsetsOf(`${topic}:0`)).toEqual(range(0, 10));
  await each.reader.close();
});

test('a caller that is ahead of the log is told so, and reads nothing', async () => {
  const topic = await kafka.topic(1);
  await append(topic, 0, 3);
  const each = await member(`test.${randomUUID()}`, [topic], {
    handlers: { onAssigned: async ([at]) => (at ? [{ ...at, offset: 9 }] : []) },
  });
  await until('noticed', () => each.failures.length > 0);
  expect(each.failures[0]).toMatchObject({
    code: 'offsets-out-of-range',
    message: expect.stringContaining('ends at 3'),
  });
  expect(each.stretches).toEqual([]);
  await each.reader.close();
});

test('a caller that cannot say where to begin is told of, and reads nothing', async () => {
  const topic = await kafka.topic(1);
  await append(topic, 0, 3);
  const each = await member(`test.${randomUUID()}`, [topic], {
    handlers: { onAssigned: () => Promise.reject(new Error('no table')) },
  });
  await until('told', () => each.failures.length > 0);
  expect(each.failures[0]).toMatchObject({ code: 'internal', message: 'no table' });
  await each.reader.close();
});

test('joined again while its caller takes partitions on: what went is let go of, what stayed is taken on once more, and the older time keeps nothing', async () => {
  const topic = await kafka.topic(2);
  const group = `test.${randomUUID()}`;
  let go = (): void => undefined;
  const slow = new Promise<void>((resolve) => {
    go = resolve;
  });
  let times = 0;
  /** By partition, the time that it was taken on. */
  const has = new Map<number, number>();
  const read: { readonly partition: number; readonly by: number | undefined; readonly offset: number }[] = [];
  const events: string[] = [];
  const first = await member(group, [topic], {
    handlers: {
      onAssigned: async (partitions) => {
        times += 1;
        const time = times;
        events.push(`asked ${time}`);
        if (time === 1) await slow;
        for (const { partition } of partitions) has.set(partition, time);
        events.push(`taken ${time}`);
        return [];
      },
      onRevoked: (partitions) => {
        for (const { partition } of partitions) has.delete(partition);
        events.push(`let go of ${partitions.length}`);
      },
      onBatch: ({ partition, records }) => {
        for (const { offset } of records) read.push({ partition, by: has.get(partition), offset });
      },
    },
  });
  onTestFinished(() => first.reader.close());
  await until('asked', () => times === 1);
  const second = await member(group, [topic]);
  onTestFinished(() => second.reader.close());
  await until('half went', () => first.reader.owned().length === 1);
  const partition = first.reader.owned()[0]?.partition ?? -1;
  go();
  await append(topic, partition, 3);
  await until('read', () => read.length === 3);
  expect(read).toEqual(range(0, 3).map((offset) => ({ partition, by: 2, offset })));
  expect([...has]).toEqual([[partition, 2]]);
  expect(events).toEqual(['asked 1', 'taken 1', 'let go of 2', 'asked 2', 'taken 2']);
  expect(first.failures).toEqual([]);
});

test('a partition read to its end rests until its time is over, or somebody is in a hurry; another is read meanwhile', async () => {
  const topic = await kafka.topic(2);
  const { reader, offsetsOf } = await member(`test.${randomUUID()}`, [topic], { restMs: 3_600_000 });
  const [resting, other] = [`${topic}:0`, `${topic}:1`];
  await append(topic, 0, 3);
  await until('read to its end', () => offsetsOf(resting).length === 3);
  await append(topic, 0, 4);
  await append(topic, 1, 2);
  await until('the other one', () => offsetsOf(other).length === 2);
  expect(offsetsOf(resting)).toEqual(range(0, 3));
  // Held back by its reader, it stays so however much of a hurry there is.
  reader.pause({ topic, partition: 0 });
  reader.hurry({ topic, partition: 0 });
  reader.hurry({ topic, partition: 1 });
  await append(topic, 1, 1);
  await until('the other one again', () => offsetsOf(other).length === 3);
  expect(offsetsOf(resting)).toEqual(range(0, 3));
  reader.resume({ topic, partition: 0 });
  await until('all of it', () => offsetsOf(resting).length === 7);
  expect(offsetsOf(resting)).toEqual(range(0, 7));
  await reader.close();
});

test('what its caller appended itself is passed over; what others wrote before, between and behind comes once', async () => {
  const topic = await kafka.topic(1);
  const at = { topic, partition: 0 };
  const values = new Map<number, string>();
  const { reader, offsetsOf, failures } = await member(`test.${randomUUID()}`, [topic], {
    restMs: 40,
    handlers: {
      onBatch: ({ records }) => {
        for (const { offset, value } of records) {
          expect(values.has(offset)).toBe(false);
          values.set(offset, String(value));
        }
      },
    },
  });
  const other = openRecordWriter(kafka.client);
  const write = async (by: RecordWriter, word: string, count: number): Promise<readonly number[]> => {
    const records = Array.from({ length: count }, () => ({ ...at, key: null, value: Buffer.from(word) }));
    return (await by.append(records)).map(({ offset }) => offset);
  };
  // The caller's own place: what it was given, and its own records behind that without a gap.
  let position = 0;
  const known = new Set<number>();
  const own = async (): Promise<void> => {
    for (const offset of await write(writer, 'own', 5)) known.add(offset);
    while (values.has(position) || known.has(position)) position += 1;
    const from = Math.min(...[...known].filter((offset) => offset < position));
    if (Number.isFinite(from)) reader.skip({ ...at, from, to: position });
  };
  let foreign = 0;
  for (let round = 0; round < 300; round += 1) {
    const both = round % 50 === 20;
    await Promise.all([own(), ...(both ? [write(other, 'foreign', 2)] : [])]);
    foreign += both ? 2 : 0;
  }
  await write(other, 'foreign', 1);
  foreign += 1;
  const told = (word: string): number => [...values.values()].filter((value) => value === word).length;
  await until('everything of the others', () => told('foreign') === foreign);
  expect(told('own')).toBeLessThan(1_500);
  expect(offsetsOf(`${topic}:0`)).toEqual([]);
  expect(failures).toEqual([]);
  await other.close();
  await reader.close();
});
