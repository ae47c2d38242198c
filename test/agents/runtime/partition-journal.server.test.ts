/** One partition of freshet.agent-events that others write to as well, over a connection that a proxy cuts. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { openPartitionJournal } from '../../../agents/runtime/partition-journal.ts';
import { type GroupReader, openGroupReader } from '../../../connectors/kafka/group-reader.ts';
import type { KafkaClient } from '../../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter, type RecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { openPayloadWriter, type PayloadWriter } from '../../../connectors/payloads/payload-writer.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { eventOf } from '../../support/event-of.ts';
import { type Cut, startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { type AgentsStack, openAgentsStack } from '../agents-stack.ts';

const TOPIC = TOPICS.agentEvents.name;
const PARTITION = 5;
let stack: AgentsStack;
let proxy: TcpProxy;
let ownKafka: KafkaClient;
let writer: RecordWriter;
let payloads: PayloadWriter;
/** Payloads are written once it is settled. */
let held: Promise<void> = Promise.resolve();
let cut: () => Cut = () => 'none';
let reader: GroupReader | undefined;

beforeAll(async () => {
  stack = await openAgentsStack();
  proxy = await startTcpProxy(inject('stack').kafka, () => cut());
  ownKafka = await createKafkaJsClient({ brokers: [proxy.address], clientId: 'cut', retries: 4 });
  writer = openRecordWriter(ownKafka);
  payloads = openPayloadWriter({ kafka: ownKafka, codec: stack.codec });
});
afterEach(async () => {
  cut = () => 'none';
  await reader?.close();
  reader = undefined;
});
afterAll(async () => {
  await writer?.close();
  await payloads?.close();
  await ownKafka?.close();
  await proxy?.close();
  await stack?.close();
});

/** The journal from the log's end on, with a reader that it turns on and off as the worker lets it. */
const open = async () => {
  const id = randomUUID();
  const executionId = `execution-${id}`;
  const taskId = `task-${id}`;
  const at = { topic: TOPIC, partition: PARTITION };
  const ends = new Map((await stack.kafka.admin.offsets(TOPIC)).map((each) => [each.partition, each.latest]));
  const from = ends.get(PARTITION) ?? 0;
  const behind: boolean[] = [];
  /** Where the reader was sent to: a batch that was under way before it was paused is not of our asking. */
  const rewound: number[] = [];
  /** Offsets that were read back. */
  const read: number[] = [];
  const failures: Error[] = [];
  const journal = openPartitionJournal({
    kafka: stack.kafka,
    codec: stack.codec,
    writer,
    payloads: {
      setAside: async (event, partition) => {
        await held;
        return payloads.setAside(event, partition);
      },
    },
    partition: PARTITION,
    from,
    onBehind: (now) => {
      behind.push(now);
      if (!now) return reader?.pause(at);
      rewound.push(journal.fold.position());
      reader?.rewind({ ...at, offset: journal.fold.position() });
      reader?.resume(at);
    },
    log: () => undefined,
  });
  reader = await openGroupReader(
    stack.kafka,
    { groupId: `freshet.test.${id}`, topics: [TOPIC], maxWaitMs: 50 },
    {
      onAssigned: async (partitions) =>
        partitions.map((each) => ({ ...each, offset: ends.get(each.partition) ?? 0 })),
      onRevoked: () => undefined,
      onFailure: (error) => failures.push(error),
      onBatch: ({ partition, records }) => {
        if (partition !== PARTITION) return;
        read.push(...records.map(({ offset }) => offset));
        journal.follow(records);
      },
    },
  );
  await journal.readTo(from);
  const event = (type: AgentEvent['type'], worker: string, epoch: number, sequence: number): AgentEvent =>
    eventOf({ type, worker, epoch, sequence, executionId, taskId });
  return {
    journal,
    from,
    behind,
    rewound,
    read,
    failures,
    input: (worker: string) => event('user-input', worker, 0, 0),
    claim: (worker: string, epoch: number) => event('claim', worker, epoch, 0),
    intent: (worker: string, epoch: number) => event('intent', worker, epoch, 1),
    order: () => journal.fold.execution(executionId)?.order,
    /** What another worker writes, past this journal. */
    otherWrites: (other: AgentEvent) =>
      stack.writer.append([{ ...at, key: other.taskId, value: stack.codec.encode('AgentEvent', other) }]),
    inLog: async () =>
      (await stack.journalOf(taskId)).map(({ type, worker, epoch, offset }) => [
        offset - from,
        type,
        worker,
        epoch,
      ]),
  };
};

test('alone on a partition, own acknowledgements are enough: nothing is read back', async () => {
  const { journal, from, behind, read, claim, intent, inLog } = await open();
  await journal.append([claim('a', 1)]);
  await journal.append([intent('a', 1)]);
  expect(journal.fold.position()).toBe(from + 2);
  expect(behind).toEqual([false]);
  expect(read).toEqual([]);
  expect(await inLog()).toEqual([
    [0, 'claim', 'a', 1],
    [1, 'intent', 'a', 1],
  ]);
});

test('a higher claim that another wrote in between is read before the barrier opens, and it stays shut', async () => {
  const { journal, from, behind, rewound, failures, claim, intent, order, otherWrites } = await open();
  await journal.append([claim('a', 1)]);
  await otherWrites(claim('b', 2));
  await expect(journal.append([intent('a', 1)])).rejects.toMatchObject({ code: 'conflict' });
  expect(behind).toEqual([false, true, false]);
  // From the first that is not known: its own claim before that is not read back.
  expect(rewound).toEqual([from + 1]);
  expect(order()).toMatchObject({ worker: 'b', epoch: 2 });
  expect(failures).toEqual([]);
});

test("a zombie's event between own ones is read and does not count; the barrier opens", async () => {
  const { journal, from, behind, rewound, claim, intent, order, otherWrites, inLog } = await open();
  await journal.append([claim('b', 2)]);
  await otherWrites(intent('a', 1));
  await journal.append([intent('b', 2)]);
  expect(behind).toEqual([false, true, false]);
  expect(rewound).toEqual([from + 1]);
  expect(journal.fold.position()).toBe(from + 3);
  expect(order()).toMatchObject({ worker: 'b', epoch: 2 });
  expect(await inLog()).toEqual([
    [0, 'claim', 'b', 2],
    [1, 'intent', 'a', 1],
    [2, 'intent', 'b', 2],
  ]);
});

test('an acknowledgement without a place: the log is read to its end', async () => {
  const { journal, from, behind, read, claim, order, inLog } = await open();
  const before = proxy.cuts().unplaced;
  cut = () => 'unplaced';
  await journal.append([claim('a', 1)]);
  expect(proxy.cuts().unplaced).toBe(before + 1);
  expect(order()?.worker).toBe('a');
  expect(behind).toEqual([false, true, false]);
  expect(read).toEqual([from]);
  expect(await inLog()).toEqual([[0, 'claim', 'a', 1]]);
});

test('an acknowledgement lost once: the next one says the same place, and nothing is read back', async () => {
  const { journal, behind, read, claim, order, inLog } = await open();
  let lost = 0;
  cut = () => {
    lost += 1;
    return lost === 1 ? 'answered' : 'none';
  };
  await journal.append([claim('a', 1)]);
  expect(lost).toBe(2);
  expect(order()?.worker).toBe('a');
  expect(behind).toEqual([false]);
  expect(read).toEqual([]);
  expect(await inLog()).toEqual([[0, 'claim', 'a', 1]]);
});

test.each<[Cut, string | undefined]>([
  ['answered', 'a'],
  ['before', undefined],
])('an append cut for good, %s: the end of the log tells whether it stands', async (each, worker) => {
  const { journal, claim, intent, order, inLog } = await open();
  cut = () => each;
  await expect(journal.append([claim('a', 1)])).rejects.toMatchObject({ code: 'append-failed' });
  cut = () => 'none';
  expect(order()).toBeUndefined();
  await journal.readToEnd();
  expect(order()?.worker).toBe(worker);
  expect(await inLog()).toHaveLength(worker ? 1 : 0);
  // The same journal goes on, with a new producer.
  await journal.append([claim('a', 2)]);
  await journal.append([intent('a', 2)]);
  expect(order()).toMatchObject({ worker: 'a', epoch: 2 });
});

test('one input that is appended twice at once lets both who wait for it go on', async () => {
  const { journal, from, input, claim, inLog } = await open();
  const places = await Promise.all([
    journal.append([input('a')]),
    journal.append([input('a')]),
    journal.append([claim('a', 1)]),
  ]);
  expect(places).toEqual([from, from + 1, from + 2]);
  expect((await inLog()).map(([, type]) => type)).toEqual(['user-input', 'user-input', 'claim']);
});

test('who waits is told when the partition goes', async () => {
  const { journal, from, claim } = await open();
  const waiting = journal.readTo(from + 5);
  journal.abandon();
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
  await expect(journal.append([claim('a', 1)])).rejects.toMatchObject({ code: 'unavailable' });
});

test('what comes behind a payload of the same execution waits for it, and nobody else does', async () => {
  const { journal, from, claim, intent, order, inLog } = await open();
  let release = (): void => undefined;
  held = new Promise((resolve) => {
    release = resolve;
  });
  await journal.append([claim('a', 1)]);
  const output = JSON.stringify('x'.repeat(200_000));
  const settled: string[] = [];
  const large = { ...intent('a', 1), type: 'llm-response', output } as const;
  const next = { ...intent('a', 1), sequence: 2 };
  const both = [journal.append([large]), journal.append([next])].map((each, index) =>
    each.then((offset) => {
      settled.push(`${index}`);
      return offset;
    }),
  );
  const other = eventOf({
    type: 'claim',
    worker: 'a',
    executionId: `other-${randomUUID()}`,
    taskId: 'other',
  });
  expect(await journal.append([other])).toBe(from + 1);
  expect(settled).toEqual([]);
  release();
  expect(await Promise.all(both)).toEqual([from + 2, from + 3]);
  expect(order()).toMatchObject({ worker: 'a', epoch: 1, sequence: 2 });
  const known = journal.fold.execution(large.executionId)?.events ?? [];
  expect(known.map(({ outputPayload }) => outputPayload?.bytes ?? null)).toEqual([null, 200_002, null]);
  expect((await inLog()).map(([offset, type]) => [offset, type])).toEqual([
    [0, 'claim'],
    [2, 'llm-response'],
    [3, 'intent'],
  ]);
});
