/** Which appends go together in a send, and what becomes of them when the connection breaks: seen at a proxy before Kafka. */
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import type { KafkaClient, RecordToAppend } from '../../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../../connectors/kafka/kafkajs-client.ts';
import {
  openRecordWriter,
  type RecordWriter,
  type RecordWriterLimits,
} from '../../../connectors/kafka/record-writer.ts';
import { type KafkaUnderTest, openKafkaUnderTest } from '../../support/kafka-under-test.ts';
import { type Cut, startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';

type Decide = (names: readonly string[]) => Cut;
const letThrough: Decide = () => 'none';

let kafka: KafkaUnderTest;
let proxy: TcpProxy;
let client: KafkaClient;
/** Gives up after a second, where a test waits for nothing else. */
let impatient: KafkaClient;
const IMPATIENT = { retries: 4 };
let decide = letThrough;
/** The records of each produce request that came to the proxy, and what became of it there. */
let requests: { readonly names: readonly string[]; readonly cut: Cut }[] = [];
const writers: RecordWriter[] = [];

const NAME = /<(\w+)>/g;
const watched = (_: unknown, frame: Buffer): Cut => {
  const names = [...frame.toString('latin1').matchAll(NAME)].map(([, name = '']) => name);
  const cut = decide(names);
  requests.push({ names, cut });
  return cut;
};

beforeAll(async () => {
  kafka = await openKafkaUnderTest(inject('stack').kafka);
  proxy = await startTcpProxy(inject('stack').kafka, watched);
  client = await createKafkaJsClient({ brokers: [proxy.address], clientId: 'cut' });
  impatient = await createKafkaJsClient({ brokers: [proxy.address], clientId: 'impatient', ...IMPATIENT });
});
afterEach(async () => {
  decide = letThrough;
  for (const writer of writers.splice(0)) await writer.close();
  requests = [];
});
afterAll(async () => {
  await client?.close();
  await impatient?.close();
  await proxy?.close();
  await kafka?.close();
});

const open = async (by: KafkaClient, limits?: RecordWriterLimits) => {
  const topic = await kafka.topic(1);
  let opened = 0;
  const openProducer = () => {
    opened += 1;
    return by.openProducer();
  };
  const writer = openRecordWriter({ openProducer }, limits);
  writers.push(writer);
  return {
    writer,
    opened: () => opened,
    named: (name: string, bytes = 0): RecordToAppend => ({
      topic,
      partition: 0,
      key: `<${name}>`,
      value: bytes ? Buffer.alloc(bytes) : null,
    }),
    /** Names in the log; each stands at its index. */
    inLog: async (): Promise<readonly string[]> => {
      const records = (await kafka.read(topic)).get(0) ?? [];
      expect(records.map(({ offset }) => offset)).toEqual([...records.keys()]);
      return records.map(({ key }) => String(key).slice(1, -1));
    },
  };
};
const passed = () => requests.filter(({ cut }) => cut === 'none').map(({ names }) => names);
const untilCut = () => until('a send is cut', () => requests.some(({ cut }) => cut !== 'none'));
/** More often than the producer tries again. */
const forGood =
  (cut: Cut): Decide =>
  () =>
    cut;

test.each<Cut>(['before', 'answered'])(
  'one send in flight, cut %s; what comes meanwhile goes with the next, and each gets its own places',
  async (cut) => {
    const { writer, named, inLog } = await open(client);
    decide = forGood(cut);
    const first = writer.append([named('1')]);
    await untilCut();
    const second = writer.append([named('2'), named('3')]);
    const others = Array.from({ length: 40 }, (_, at) => writer.append([named(String(4 + at))]));
    expect(requests.every(({ names }) => String(names) === '1')).toBe(true);
    expect(writer.pending()).toBe(43);
    decide = letThrough;
    expect(await first).toEqual([{ partition: 0, offset: 0 }]);
    expect((await second).map(({ offset }) => offset)).toEqual([1, 2]);
    expect(await Promise.all(others)).toEqual(others.map((_, at) => [{ partition: 0, offset: 3 + at }]));
    const all = Array.from({ length: 43 }, (_, at) => String(at + 1));
    expect(passed()).toEqual([['1'], all.slice(1)]);
    expect(await inLog()).toEqual(all);
    await until('nothing is left', () => writer.pending() === 0);
  },
);

test('one append over the limit takes several sends, one after the other, and resolves with all its places', async () => {
  const { writer, named, inLog } = await open(impatient, { maxPending: 100, maxPartitionBytes: 2_000 });
  // The first send is written but not acknowledged: nothing of the second may come before it is.
  let unanswered = 2;
  decide = () => {
    unanswered -= 1;
    return unanswered >= 0 ? 'answered' : 'none';
  };
  const places = await writer.append(['1', '2', '3', '4', '5'].map((name) => named(name, 788)));
  expect(requests.map(({ names }) => names)).toEqual([['1', '2'], ['1', '2'], ['1', '2'], ['3', '4'], ['5']]);
  expect(places.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4]);
  decide = (names) => (names.includes('8') ? 'before' : 'none');
  await expect(writer.append(['6', '7', '8'].map((name) => named(name, 788)))).rejects.toMatchObject({
    code: 'append-failed',
  });
  expect(await inLog()).toEqual(['1', '2', '3', '4', '5', '6', '7']);
});

test.each<[Cut, readonly string[]]>([
  ['before', ['after']],
  ['answered', ['1', 'after']],
])(
  'cut %s for good: what was sent and all that waits is rejected, and the next append has a new producer',
  async (cut, log) => {
    const { writer, opened, named, inLog } = await open(impatient);
    decide = forGood(cut);
    const failing = [writer.append([named('1')]), writer.append([named('2')])];
    await untilCut();
    const late = writer.append([named('3')]);
    for (const each of await Promise.allSettled([...failing, late]))
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'append-failed' } });
    expect(opened()).toBe(1);
    expect(requests.every(({ names }) => String(names) === '1')).toBe(true);
    decide = letThrough;
    const [place] = await writer.append([named('after')]);
    expect(opened()).toBe(2);
    expect(passed()).toEqual([['after']]);
    // What failed may stand in the log; what waited behind it was never sent.
    expect(await inLog()).toEqual(log);
    expect(place).toEqual({ partition: 0, offset: log.indexOf('after') });
  },
);

test('a producer that cannot be opened fails the append, and is asked for again', async () => {
  const topic = await kafka.topic(1);
  const record = { topic, partition: 0, key: null, value: null };
  const away = await startTcpProxy(inject('stack').kafka, () => 'none');
  const ownClient = await createKafkaJsClient({ brokers: [away.address], clientId: 'away', ...IMPATIENT });
  const writer = openRecordWriter(ownClient);
  await away.close();
  await expect(writer.append([record])).rejects.toMatchObject({ code: 'append-failed' });
  const back = await startTcpProxy(
    inject('stack').kafka,
    () => 'none',
    Number(away.address.split(':').at(-1)),
  );
  expect(await writer.append([record])).toEqual([{ partition: 0, offset: 0 }]);
  await writer.close();
  await ownClient.close();
  await back.close();
});

test('waiting appends have a limit', async () => {
  const { writer, named, inLog } = await open(client, { maxPending: 2, maxPartitionBytes: 1_000 });
  decide = forGood('before');
  const taken = [writer.append([named('1')])];
  await untilCut();
  taken.push(writer.append([named('2')]), writer.append([named('3')]));
  await expect(writer.append([named('4')])).rejects.toMatchObject({ code: 'too-many-requests' });
  decide = letThrough;
  await Promise.all(taken);
  expect(passed()).toEqual([['1'], ['2', '3']]);
  expect(await inLog()).toEqual(['1', '2', '3']);
});

test('close sends what waits; after it nothing is taken', async () => {
  const { writer, named, inLog } = await open(client);
  decide = forGood('before');
  const last = [writer.append([named('1')]), writer.append([named('2')])];
  await untilCut();
  const closed = writer.close();
  await expect(writer.append([named('3')])).rejects.toMatchObject({ code: 'append-failed' });
  decide = letThrough;
  await closed;
  expect((await Promise.all(last)).flat().map(({ offset }) => offset)).toEqual([0, 1]);
  expect(await inLog()).toEqual(['1', '2']);
});
