import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../schemas/clock.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { answered, type GatewayUnderTest, startGatewayUnderTest, until } from './gateway-under-test.ts';

let under: GatewayUnderTest;
beforeEach(async () => {
  under = await startGatewayUnderTest();
});
afterEach(() => under.close());

interface Event {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

/** Reads a stream to its end, or until enough has come. */
const read = async (
  path: string,
  headers: Record<string, string> = {},
  enough = Number.POSITIVE_INFINITY,
): Promise<Event[]> => {
  const events: Event[] = [];
  const stop = new AbortController();
  const response = await fetch(under.gateway.url + path, { headers, signal: stop.signal });
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
    if (events.length >= enough) break;
  }
  stop.abort();
  return events;
};

const say = (taskId: string, index: number, text: string): void => {
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
  under.kafka.put({
    topic: TOPICS.taskStream.name,
    partition: 3,
    key: taskId,
    value: under.codec.encode('TaskChunk', chunk),
  });
};

const submitted = async (): Promise<string> =>
  ((await under.submit({ agent: 'support', input: 'How?' })).body as { taskId: string }).taskId;

test('text comes as it is written, the result last, and the stream ends', async () => {
  const taskId = await submitted();
  const reading = read(`/v1/tasks/${taskId}/events`);
  under.journal(taskId, { type: 'user-input', epoch: 0 }, { type: 'claim' });
  say(taskId, 0, 'Like ');
  say(taskId, 1, 'so.\n\nevent: forged');
  await new Promise((resolve) => setTimeout(resolve, 50));
  under.journal(taskId, answered('Like so.'));
  const events = await reading;
  expect(events.filter(({ event }) => event === 'text').map(({ data }) => data.text)).toEqual([
    'Like ',
    'so.\n\nevent: forged',
  ]);
  expect(events.filter(({ event }) => event === 'task').map(({ data }) => data.state)).toEqual(
    expect.arrayContaining(['processing', 'completed']),
  );
  expect(events.at(-1)).toMatchObject({
    event: 'result',
    data: { state: 'completed', result: { text: 'Like so.' } },
  });
  expect(events.find(({ event }) => event === 'text')?.id).toBe('freshet.task-stream:3:0');
});

test('whoever was cut off goes on after the last event that arrived', async () => {
  const taskId = await submitted();
  under.journal(taskId, { type: 'user-input', epoch: 0 }, { type: 'claim' });
  for (const [index, text] of ['a', 'b', 'c'].entries()) say(taskId, index, text);
  await until(() => under.gateway.notReady() === null);
  const first = await read(`/v1/tasks/${taskId}/events`, {}, 3);
  const last = first.filter(({ event }) => event === 'text').at(0)?.id ?? '';
  expect(last).toBe('freshet.task-stream:3:0');
  under.journal(taskId, answered('abc'));
  const rest = await read(`/v1/tasks/${taskId}/events`, { 'last-event-id': last });
  expect(rest.filter(({ event }) => event === 'text').map(({ data }) => data.text)).toEqual(['b', 'c']);
  expect(rest.at(-1)?.event).toBe('result');
});

test('a stream of a task that ended before this gateway started is read from Kafka', async () => {
  const taskId = await submitted();
  under.journal(taskId, { type: 'user-input', epoch: 0 }, { type: 'claim' });
  say(taskId, 0, 'old');
  under.journal(taskId, answered('old'));
  const { kafka } = under;
  await under.gateway.close();
  under = await startGatewayUnderTest({ kafka });
  const events = await read(`/v1/tasks/${taskId}/events`);
  expect(events.map(({ event }) => event)).toEqual(['task', 'text', 'task', 'result']);
});

test('freshness is told at once and again each second', async () => {
  const events = await read('/v1/freshness/stream', {}, 2);
  expect(events.map(({ event }) => event)).toEqual(['freshness', 'freshness']);
  expect(events[0]?.data).toMatchObject({ latencyMs: { p50: null }, slo: { targetMs: 5_000 } });
});
