/** Payloads on a real broker: written in parts, read by their place, and told apart from what is not theirs. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRecordSeeker, type RecordSeeker } from '../../../connectors/kafka/seek-records.ts';
import { openPayloadReader, type PayloadReader } from '../../../connectors/payloads/payload-reader.ts';
import { openPayloadWriter, type PayloadWriter } from '../../../connectors/payloads/payload-writer.ts';
import { MAX_PAYLOAD_BYTES, PART_BYTES } from '../../../schemas/payload-parts.ts';
import type { PayloadReference } from '../../../schemas/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type AgentsStack, openAgentsStack } from '../../agents/agents-stack.ts';
import { eventOf } from '../../support/event-of.ts';

const PARTITION = 6;
let stack: AgentsStack;
let writer: PayloadWriter;
let reader: PayloadReader;
let seeker: RecordSeeker;

beforeAll(async () => {
  stack = await openAgentsStack();
  const { kafka, codec } = stack;
  writer = openPayloadWriter({ kafka, codec });
  // Without what was written here in memory: every read goes to Kafka.
  reader = openPayloadReader(kafka, codec);
  seeker = openRecordSeeker(kafka, TOPICS.payloads.name);
});
afterAll(async () => {
  await Promise.all([writer?.close(), reader?.close(), seeker?.close()]);
  await stack?.close();
});

const outputOf = (bytes: number): string => JSON.stringify({ id: randomUUID(), text: 'é'.repeat(bytes / 2) });
const withOutput = (output: string) => eventOf({ type: 'tool-call', name: 'look', output });
const endOf = async (): Promise<number> =>
  (await stack.kafka.admin.offsets(TOPICS.payloads.name)).find(({ partition }) => partition === PARTITION)
    ?.latest ?? 0;
const referenceOf = async (output: string): Promise<PayloadReference> => {
  const { outputPayload } = await writer.setAside(withOutput(output), PARTITION);
  if (!outputPayload) throw new Error('it went nowhere');
  return outputPayload;
};

test('five megabytes go in parts into the partition of the event, and come back as they were', async () => {
  const output = outputOf(5_000_000);
  const event = { ...withOutput(output), input: '{"short":true}' };
  const lean = await writer.setAside(event, PARTITION);
  expect(lean).toMatchObject({ input: '{"short":true}', inputPayload: null, output: null });
  expect(lean.outputPayload).toMatchObject({
    bytes: Buffer.byteLength(output),
    parts: Math.ceil(Buffer.byteLength(output) / PART_BYTES),
    at: { topic: TOPICS.payloads.name, partition: PARTITION },
  });
  expect(await reader.whole(lean)).toEqual(event);
  expect(await reader.whole(lean, ['input'])).toBe(lean);
});

test('many at once, their parts among each other, each to its own; the same text is written once', async () => {
  const outputs = Array.from({ length: 12 }, (_, index) => outputOf(100_000 + index * 300_000));
  const other = openPayloadWriter(stack);
  const references = await Promise.all(
    outputs.map(async (output, index) =>
      index % 2 === 0
        ? referenceOf(output)
        : (await other.setAside(withOutput(output), PARTITION)).outputPayload,
    ),
  );
  await other.close();
  const read = await Promise.all(references.map((each) => each && reader.read(each)));
  expect(read).toEqual(outputs);
  const before = await endOf();
  expect(await referenceOf(outputs[0] ?? '')).toEqual(references[0]);
  expect(await endOf()).toBe(before);
});

test('what is not there, is not what was written, or never was, is one clear error', async () => {
  const output = outputOf(200_000);
  const reference = await referenceOf(output);
  const other = await referenceOf(outputOf(200_000));
  const lost = { code: 'payload-lost' };
  const at = (offset: number) => ({ ...reference, at: { ...reference.at, offset }, lastOffset: offset });
  await expect(reader.read(at(other.at.offset))).rejects.toMatchObject(lost);
  await expect(reader.read(at(1e9))).rejects.toMatchObject(lost);
  // Records of its name that hold something else.
  const [forged] = await stack.writer.append([
    {
      ...{ topic: TOPICS.payloads.name, partition: PARTITION, key: reference.hash },
      value: stack.codec.encode('Payload', {
        ...{ hash: reference.hash, bytes: 3, part: 0, parts: 1 },
        ...{ executionId: 'execution-1', tenant: 'acme', content: Buffer.from('no!') },
      }),
    },
  ]);
  await expect(reader.read(at(forged?.offset ?? -1))).rejects.toMatchObject(lost);
  expect(await reader.read(reference)).toBe(output);
  await expect(referenceOf(outputOf(MAX_PAYLOAD_BYTES))).rejects.toMatchObject({ code: 'request-too-large' });
});

test('records are read by their place, again and again, in any order', async () => {
  const references = [];
  for (let index = 0; index < 8; index += 1) references.push(await referenceOf(outputOf(80_000)));
  for (const each of [...references].reverse().concat(references)) {
    const { partition, offset: from } = each.at;
    const records = await seeker.read({ partition, from, through: each.lastOffset, key: each.hash });
    expect(records.map(({ offset }) => offset)).toEqual([from]);
  }
});
