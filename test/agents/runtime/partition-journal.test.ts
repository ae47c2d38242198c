import { expect, test } from 'vitest';
import { openPartitionJournal } from '../../../agents/runtime/partition-journal.ts';
import type { KafkaRecord } from '../../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../../connectors/registry/record-codec.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { eventOf } from '../../schemas/event-of.ts';

/** A partition in memory that others write to as well; places can be kept from the writer. */
const open = () => {
  const log: AgentEvent[] = [];
  const behind: boolean[] = [];
  let hidePlaces = false;
  const codec = {
    encode: (_: string, event: AgentEvent) => Buffer.from(JSON.stringify(event)),
    decode: async (_: string, value: Buffer) => JSON.parse(value.toString()) as AgentEvent,
  } as unknown as RecordCodec;
  const journal = openPartitionJournal({
    kafka: { admin: { offsets: async () => [{ partition: 0, earliest: 0, latest: log.length }] } as never },
    codec,
    writer: {
      append: async (records) =>
        records.map(({ value }) => {
          log.push(JSON.parse(String(value)) as AgentEvent);
          return { partition: 0, offset: hidePlaces ? Number.NaN : log.length - 1 };
        }),
      pending: () => 0,
      close: async () => undefined,
    },
    partition: 0,
    from: 0,
    onBehind: (now) => {
      behind.push(now);
      if (now) queueMicrotask(() => journal.follow(records().slice(journal.fold.position())));
    },
    log: () => undefined,
  });
  const records = (): KafkaRecord[] =>
    log.map((event, offset) => ({
      topic: 'freshet.agent-events',
      partition: 0,
      offset,
      timestamp: 0,
      key: null,
      value: Buffer.from(JSON.stringify(event)),
      headers: {},
    }));
  return {
    journal,
    log,
    behind,
    hide: () => {
      hidePlaces = true;
    },
  };
};

const claim = (worker: string, epoch: number) => eventOf({ type: 'claim', worker, epoch });
const intent = (worker: string, epoch: number) => eventOf({ type: 'intent', worker, epoch, sequence: 1 });

test('alone on a partition, own acknowledgements are enough: nothing is read back', async () => {
  const { journal, behind } = open();
  await journal.readTo(0);
  await journal.append([claim('a', 1)]);
  await journal.append([intent('a', 1)]);
  expect(journal.fold.position()).toBe(2);
  expect(behind).toEqual([false]);
});

test('a higher claim that another wrote in between is read before the barrier opens, and it stays shut', async () => {
  const { journal, log, behind } = open();
  await journal.readTo(0);
  await journal.append([claim('a', 1)]);
  log.push(claim('b', 2));
  await expect(journal.append([intent('a', 1)])).rejects.toMatchObject({ code: 'conflict' });
  expect(behind).toEqual([false, true, false]);
});

test('an acknowledgement without a place: the log is read to its end', async () => {
  const { journal, hide } = open();
  await journal.readTo(0);
  hide();
  await journal.append([claim('a', 1)]);
  expect(journal.fold.execution('execution-1')?.order.worker).toBe('a');
});

test('who waits is told when the partition goes', async () => {
  const { journal } = open();
  const waiting = journal.readTo(5);
  journal.abandon();
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
  await expect(journal.append([claim('a', 1)])).rejects.toMatchObject({ code: 'unavailable' });
});
