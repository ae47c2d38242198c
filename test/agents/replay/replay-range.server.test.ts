/** Ranges of a journal on a real broker, as the runtime writes it: in one pass, from before the range to behind it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findAmong } from '../../../agents/replay/find-behaviour.ts';
import { findUses } from '../../../agents/replay/find-uses.ts';
import type { ReplayedExecution } from '../../../agents/replay/range-replay-state.ts';
import { readRecordedExecution } from '../../../agents/replay/recorded-execution.ts';
import { replayRange } from '../../../agents/replay/replay-range.ts';
import type { UsedBy } from '../../../agents/replay/used-in.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type AgentsStack, openAgentsStack } from '../agents-stack.ts';
import { AGENT, interleave, recordExecution } from './recorded-executions.ts';

const PARTITION = 5;
const ID = randomUUID().slice(0, 8);
const TOPIC = TOPICS.agentEvents.name;
const LOOKED = {
  turns: [
    { kind: 'tools', names: ['look', 'break'] },
    { kind: 'text', text: 'Thirty days [1].' },
  ],
  deaths: [],
} as const;

let stack: AgentsStack;
/** The journal of this test: one execution that begins first and ends last, thirty between. */
let log: readonly AgentEvent[];
let offsets: readonly number[];

const place = (wanted: (event: AgentEvent) => boolean, last = false): number =>
  offsets[last ? log.findLastIndex(wanted) : log.findIndex(wanted)] ?? -1;

const replay = async (
  from: number,
  to: number,
  over: Partial<Parameters<typeof replayRange>[0]> = {},
): Promise<{ told: ReplayedExecution[]; summary: Awaited<ReturnType<typeof replayRange>> }> => {
  const told: ReplayedExecution[] = [];
  const summary = await replayRange({
    kafka: stack.kafka,
    codec: stack.codec,
    findBehaviour: findAmong([AGENT]),
    range: { topic: TOPIC, partition: PARTITION, from, to },
    onExecution: (execution) => told.push(execution),
    ...over,
  });
  return { told: told.filter(({ taskId }) => taskId.includes(ID)), summary };
};

beforeAll(async () => {
  stack = await openAgentsStack();
  const long = await recordExecution(`task-${ID}-long`, LOOKED);
  const short = await Promise.all(
    Array.from({ length: 30 }, (_, index) => recordExecution(`task-${ID}-${index}`, LOOKED)),
  );
  const middle = interleave(short, [0, 3, 1, 2, 0, 5]);
  const running = (await recordExecution(`task-${ID}-running`, LOOKED)).slice(0, 5);
  log = [...long.slice(0, 6), ...middle, ...running, ...long.slice(6)];
  const appended = await stack.writer.append(
    log.map((event) => ({
      ...{ topic: TOPIC, partition: PARTITION, key: event.taskId },
      value: stack.codec.encode('AgentEvent', event),
    })),
  );
  offsets = appended.map(({ offset }) => offset);
});
afterAll(() => stack?.close());

test('a whole range is replayed in one pass: each execution once, as it ends, and the counts add up', async () => {
  const { told, summary } = await replay(offsets[0] ?? 0, offsets.at(-1) ?? 0);
  expect(told).toHaveLength(32);
  expect(told.filter(({ state }) => state === 'identical')).toHaveLength(31);
  expect(told.filter(({ state }) => state === 'unfinished').map(({ taskId }) => taskId)).toEqual([
    `task-${ID}-running`,
  ]);
  expect(summary.outsideCalls).toBe(0);
  const { identical, different, unfinished, cut } = summary;
  expect(identical + different + unfinished + cut).toBe(summary.executions);
});

test('one that began before the range and ends behind it belongs to it; those beside the range do not', async () => {
  const middle = place((event) => event.taskId === `task-${ID}-3` && event.type === 'llm-response');
  const { told } = await replay(middle, middle);
  expect(told).toMatchObject([{ taskId: `task-${ID}-3`, state: 'identical' }]);

  const end = place((event) => event.taskId === `task-${ID}-long`, true);
  const { told: ending } = await replay(end, end);
  expect(ending).toMatchObject([{ taskId: `task-${ID}-long`, state: 'identical', offset: offsets[0] }]);

  // The same where its beginning lies before what is read along: a second pass finds it.
  const { told: older, summary } = await replay(end, end, { leadIn: 3 });
  expect(older).toMatchObject([{ taskId: `task-${ID}-long`, state: 'identical', offset: offsets[0] }]);
  expect(summary.read).toBeGreaterThan(log.length);
});

test('a range that does not exist, of another topic, or the wrong way round, is refused', async () => {
  await expect(replay(1e9, 1e9 + 1)).rejects.toMatchObject({ code: 'not-found' });
  await expect(replay(5, 4)).rejects.toMatchObject({ code: 'request-invalid' });
  const range = { topic: 'freshet.tasks', partition: 0, from: 0, to: 1 };
  await expect(replay(0, 1, { range })).rejects.toMatchObject({ code: 'request-invalid' });
});

test('an unreadable record is counted, and the rest is replayed', async () => {
  const [before] = await stack.writer.append([
    { topic: TOPIC, partition: PARTITION, key: 'x', value: Buffer.from('nothing of ours') },
  ]);
  const one = await recordExecution(`task-${ID}-after`, LOOKED);
  const after = await stack.writer.append(
    one.map((event) => ({
      ...{ topic: TOPIC, partition: PARTITION, key: event.taskId },
      value: stack.codec.encode('AgentEvent', event),
    })),
  );
  const { told, summary } = await replay(before?.offset ?? 0, after.at(-1)?.offset ?? 0);
  expect(told).toMatchObject([{ taskId: `task-${ID}-after`, state: 'identical' }]);
  expect(summary.unreadable).toBe(1);
});

test('between two offsets, the executions that had a document before them are told as they end', async () => {
  const told: UsedBy[] = [];
  const first = offsets[0] ?? 0;
  const from = { partition: PARTITION, offset: first };
  const to = { partition: PARTITION, offset: offsets.at(-1) ?? 0 };
  const { kafka, codec } = stack;
  const read = await findUses({
    ...{ kafka, codec, from, to },
    id: 'help/public.articles/1',
    onUse: (use) => told.push(use),
  });
  const own = told.filter(({ taskId }) => taskId.includes(ID));
  expect(own).toHaveLength(32);
  expect(own.filter(({ cited }) => cited)).toHaveLength(31);
  expect(read.read).toBe(to.offset - first + 1);
  const elsewhere: UsedBy[] = [];
  await findUses({
    ...{ kafka, codec, from, to, id: 'help/public.articles/1', tenant: 'nobody' },
    onUse: (use) => elsewhere.push(use),
  });
  expect(elsewhere).toEqual([]);
  await expect(
    findUses({ ...{ kafka, codec, from, id: 'x' }, to: { partition: 1, offset: 0 }, onUse: () => undefined }),
  ).rejects.toMatchObject({ code: 'request-invalid' });
});

test('an execution of which an event cannot be read now is read again later, and not without it; what nobody can read is passed over', async () => {
  const first = { topic: TOPIC, partition: PARTITION, offset: offsets[0] ?? 0 };
  const whole = await readRecordedExecution(stack.kafka, stack.codec, first);
  const failing = (code: 'registry-unavailable' | 'record-unreadable') => {
    let left = 3;
    const decode: typeof stack.codec.decode = (name, value) => {
      left -= 1;
      return left === 0 ? Promise.reject(new FreshetError(code, 'not now')) : stack.codec.decode(name, value);
    };
    return readRecordedExecution(stack.kafka, { decode }, first);
  };
  await expect(failing('registry-unavailable')).rejects.toMatchObject({ code: 'registry-unavailable' });
  expect(await failing('record-unreadable')).toHaveLength(whole.length - 1);
});
