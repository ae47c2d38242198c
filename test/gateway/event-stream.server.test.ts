import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AppendedAt } from '../../connectors/kafka/kafka.ts';
import { systemClock } from '../../schemas/clock.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { until } from '../support/until.ts';
import { AGENT, answered, type GatewayUnderTest, startGatewayUnderTest } from './gateway-under-test.ts';

const HOURS_2 = 2 * 3_600_000_000;

let under: GatewayUnderTest;
beforeAll(async () => {
  under = await startGatewayUnderTest();
});
afterAll(() => under?.close());

interface Event {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

/** Reads a stream to its end, or until enough has come; `events` holds what has come so far. */
const read = async (
  path: string,
  headers: Record<string, string> = {},
  enough: (events: readonly Event[]) => boolean = () => false,
  { gateway } = under,
  events: Event[] = [],
): Promise<Event[]> => {
  const stop = new AbortController();
  const response = await fetch(gateway.url + path, { headers, signal: stop.signal });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  let rest = '';
  for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      const data = fields.get('data');
      if (data !== undefined)
        events.push({
          event: fields.get('event') ?? '',
          id: fields.get('id'),
          data: JSON.parse(data) as Record<string, unknown>,
        });
    }
    if (enough(events)) break;
  }
  stop.abort();
  return events;
};

const textsIn = (events: readonly Event[]) =>
  events.filter(({ event }) => event === 'text').map(({ data }) => data.text);

/** Resolves when Kafka has it, with its place. */
const say = async (taskId: string, index: number, text: string): Promise<AppendedAt | undefined> => {
  const chunk = {
    taskId,
    executionId: executionIdOf(taskId),
    epoch: 1,
    step: 2,
    index,
    kind: 'text' as const,
    text,
    tenant: 'acme',
    at: systemClock(),
  };
  const value = under.codec.encode('TaskChunk', chunk);
  const [place] = await under.put({ topic: TOPICS.taskStream.name, partition: 3, key: taskId, value });
  return place;
};

const idOf = (place: AppendedAt | undefined): string => `freshet.task-stream:3:${place?.offset}`;

const submitted = async (): Promise<string> =>
  ((await under.submit({ agent: AGENT, input: 'How?' })).body as { taskId: string }).taskId;

test('text comes as it is written, the result last, and the stream ends', async () => {
  const taskId = await submitted();
  const seen: Event[] = [];
  const reading = read(`/v1/tasks/${taskId}/events`, {}, () => false, under, seen);
  await under.journal(taskId, { type: 'user-input', epoch: 0 }, { type: 'claim' });
  const place = await say(taskId, 0, 'Like ');
  await say(taskId, 1, 'so.\n\nevent: forged');
  // Text and journal are two topics: of what comes after the end a stream waits for a moment only.
  await until('both have come', () => textsIn(seen).length === 2);
  await under.journal(taskId, answered('Like so.'));
  const events = await reading;
  expect(textsIn(events)).toEqual(['Like ', 'so.\n\nevent: forged']);
  expect(events.filter(({ event }) => event === 'task').map(({ data }) => data.state)).toEqual(
    expect.arrayContaining(['processing', 'completed']),
  );
  expect(events.at(-1)).toMatchObject({
    event: 'result',
    data: { state: 'completed', result: { text: 'Like so.' } },
  });
  expect(events.find(({ event }) => event === 'text')?.id).toBe(idOf(place));
});

test('whoever was cut off goes on after the last event that arrived', async () => {
  const taskId = await submitted();
  await under.journal(taskId, { type: 'user-input', epoch: 0 }, { type: 'claim' });
  const place = await say(taskId, 0, 'a');
  await say(taskId, 1, 'b');
  await say(taskId, 2, 'c');
  const first = await read(`/v1/tasks/${taskId}/events`, {}, (events) => textsIn(events).length === 3);
  const last = first.filter(({ event }) => event === 'text').at(0)?.id ?? '';
  expect(last).toBe(idOf(place));
  await under.journal(taskId, answered('abc'));
  const rest = await read(`/v1/tasks/${taskId}/events`, { 'last-event-id': last });
  expect(textsIn(rest)).toEqual(['b', 'c']);
  expect(rest.at(-1)?.event).toBe('result');
});

// What was told and committed on this Kafka is too long ago for it to hold: it finds the one in the log, and has no latency.
describe('a gateway that starts two hours later', () => {
  let later: GatewayUnderTest;
  let taskId: string;
  beforeAll(async () => {
    taskId = await submitted();
    await under.journal(taskId, { type: 'user-input', epoch: 0 }, { type: 'claim' });
    await say(taskId, 0, 'old');
    await under.journal(taskId, answered('old'));
    await read(`/v1/tasks/${taskId}/events`);
    later = await startGatewayUnderTest({ clock: () => systemClock() + HOURS_2 });
  });
  afterAll(() => later?.close());

  test('a stream of a task that ended before this gateway started is read from Kafka', async () => {
    const events = await read(`/v1/tasks/${taskId}/events`, {}, () => false, later);
    expect(events.map(({ event }) => event)).toEqual(['task', 'text', 'task', 'result']);
  });

  test('freshness is told at once and again each second', async () => {
    const events = await read('/v1/freshness/stream', {}, ({ length }) => length >= 2, later);
    expect(events.map(({ event }) => event)).toEqual(['freshness', 'freshness']);
    expect(events[0]?.data).toMatchObject({ latencyMs: { p50: null }, slo: { targetMs: 5_000 } });
  });
});
