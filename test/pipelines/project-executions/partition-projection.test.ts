import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPartitionProjection } from '../../../pipelines/project-executions/partition-projection.ts';
import type { Projected } from '../../../pipelines/project-executions/projected-execution.ts';
import { SNAPSHOT } from '../../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { randomAgent, scriptedModel, TURNS } from '../../agents/runtime/random-model.ts';
import { simulate } from '../../agents/runtime/simulated-journal.ts';
import { ACTS, EXECUTIONS, logOf } from '../../agents/runtime/waiting-histories.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { eventOf } from '../../support/event-of.ts';

const placed = (log: readonly AgentEvent[]) => log.map((event, offset) => ({ event, offset }));

const DAY = 86_400_000_000;

/** What is left of records when each key keeps its last. */
const view = (records: readonly Projected[]): ReadonlyMap<string, Projected> =>
  new Map(
    records.map((each) => [
      `${each.name} ${each.name === 'Cost' ? each.record.costId : each.record.taskId}`,
      each,
    ]),
  );

test('projecting in any batches, retried or begun again, writes the same: one result per task (I2)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(TURNS, { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 20 }),
      async (turns, deaths, sizes) => {
        const simulation = simulate({
          agent: randomAgent({ maxUsd: '5', maxMs: 3_600_000 }),
          models: [
            scriptedModel(
              'first',
              turns.filter(({ kind }) => kind !== 'failure'),
            ),
          ],
        });
        for (const [index, dieAfter] of deaths.entries())
          await simulation.run(`worker-${index}`, dieAfter).catch(() => undefined);
        await simulation.run('worker-last').catch(() => undefined);
        const log = placed(simulation.log);

        const whole = createPartitionProjection().plan(log).records;
        expect(whole.filter(({ name }) => name === 'Result')).toHaveLength(1);

        const projection = createPartitionProjection();
        const written: Projected[] = [];
        let at = 0;
        for (let turn = 0; at < log.length; turn += 1) {
          const batch = log.slice(at, at + (sizes[turn % sizes.length] ?? 1));
          // A write that failed: planned, not kept, planned again.
          if (turn % 3 === 0) projection.plan(batch);
          const plan = projection.plan(batch);
          written.push(...plan.records);
          projection.keep(plan);
          at += batch.length;
        }
        expect(written).toEqual(whole);

        const again = createPartitionProjection();
        again.keep(again.plan(log));
        expect(view([...whole, ...createPartitionProjection().plan(log).records])).toEqual(view(whole));
        expect(again.pinnedAt(3, log.length)).toBe(0);
        expect(again.pinnedAt(4, log.length)).toBe(log.length);
        again.forget(4);
        expect(again.isPastPending('execution-1', again.plan([]))).toBe(true);
        expect(again.plan(log).records.filter(({ name }) => name !== 'Cost')).toEqual([]);
      },
    ),
    { numRuns: 100 },
  );
});

test('the ledger of costs is the fold of the journal, a lost call at its reservation until its reply comes (I3)', async () => {
  const simulation = simulate({
    agent: randomAgent({ maxUsd: '5' }),
    models: [scriptedModel('first', [{ kind: 'text', text: 'Thirty days [1].' }])],
  });
  await simulation.run('worker-a', 2).catch(() => undefined);
  await simulation.run('worker-b');
  const late = simulation.log.find((event) => event.type === 'llm-response');
  if (!late) throw new Error('no reply');
  const zombie: AgentEvent = { ...late, epoch: 1, worker: 'worker-a', sequence: 4, step: 2 };
  const costs = (log: readonly AgentEvent[]) =>
    [...view(createPartitionProjection().plan(placed(log)).records).values()].flatMap((each) =>
      each.name === 'Cost'
        ? [[each.record.costId, each.record.settled, each.record.usd, each.record.feature]]
        : [],
    );
  const reserved = simulation.log.find((event) => event.type === 'intent')?.reservedUsd;
  const paid = late.costUsd;
  expect(costs(simulation.log)).toEqual([
    ['execution-1:1:2', false, reserved, 'chat'],
    ['execution-1:2:3', true, paid, 'chat'],
  ]);
  expect(costs([...simulation.log, zombie])).toEqual([
    ['execution-1:1:2', true, paid, 'chat'],
    ['execution-1:2:3', true, paid, 'chat'],
  ]);
});

test('begun again where it says, past all that waits is journaled whole of, it goes on as if it had read everything', () => {
  const tasks = EXECUTIONS.length;
  let shortened = 0;
  fc.assert(
    fc.property(ACTS, fc.nat(), (acts, cut) => {
      const log = placed(logOf(acts));
      const stopped = log.length === 0 ? 0 : cut % log.length;
      const all = createPartitionProjection();
      all.keep(all.plan(log.slice(0, stopped)));
      const ended = new Set(
        createPartitionProjection()
          .plan(log.slice(0, stopped))
          .records.flatMap((each) => (each.name === 'Result' ? [each.record.executionId] : [])),
      );
      all.forget(tasks);
      const pinned = all.pinnedAt(tasks, stopped);
      const begun = log.findIndex(({ event }) => !ended.has(event.executionId));
      if (begun >= 0 && begun < stopped && pinned > begun) shortened += 1;

      const again = createPartitionProjection(pinned, stopped);
      for (const each of log.slice(pinned, stopped)) again.keep(again.plan([each]));
      again.forget(tasks);
      // Told once more, it pins the same: what it knows is known by what stands there.
      expect(again.pinnedAt(tasks, stopped)).toBe(pinned);
      const of = (records: readonly Projected[]) =>
        records.filter(({ record }) => !ended.has(record.executionId));
      expect(of(again.plan(log.slice(stopped)).records)).toEqual(of(all.plan(log.slice(stopped)).records));
    }),
    { numRuns: 600 },
  );
  // Else it has asserted nothing.
  expect(shortened).toBeGreaterThan(30);
}, 120_000);

test('of what is read again no texts are held until it is known what is unfinished', async () => {
  const simulation = simulate({
    agent: randomAgent({ maxUsd: '5' }),
    models: [scriptedModel('first', [{ kind: 'text', text: 'Thirty days [1].' }])],
  });
  await simulation.run('worker-a');
  const reply = simulation.log.find((event) => event.type === 'llm-response');
  if (!reply) throw new Error('no reply');
  const held = (): number => {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return (heapUsed + arrayBuffers) / 1e6;
  };
  const before = held();
  const projection = createPartitionProjection(0, 100_000);
  let offset = 0;
  for (let execution = 0; execution < 200; execution += 1) {
    // Of a worker whose claim was lost: it changes nothing but the costs.
    const late = { ...reply, epoch: 9, output: Buffer.alloc(100_000, 'x').toString('latin1') };
    for (const event of [...simulation.log, late]) {
      const own = { ...event, executionId: `execution-${execution}` };
      projection.keep(projection.plan([{ event: own, offset }]));
      offset += 1;
    }
  }
  await expect.poll(() => held() - before, { timeout: 20_000 }).toBeLessThan(8);
  expect(projection.isPastPending('execution-7', projection.plan([]))).toBe(true);
});

test('what looks ended, by a worker whose claim was lost below where reading began, is known by its snapshot', () => {
  const own = { executionId: 'execution-1', task: { topic: 'freshet.tasks', partition: 0, offset: 0 } };
  const by = (worker: string, sequence: number, rest: Partial<AgentEvent> & Pick<AgentEvent, 'type'>) =>
    eventOf({ ...own, epoch: 1, worker, sequence, ...rest });
  const order = { epoch: 1, worker: 'worker-b', sequence: 6, hasInput: true, ended: false };
  const log = [
    by('worker-a', 0, { type: 'user-input' }),
    by('worker-a', 1, { type: 'claim' }),
    by('worker-a', 2, { type: 'response' }),
    by('worker-b', 7, { type: 'checkpoint', name: SNAPSHOT, input: JSON.stringify({ from: 10, order }) }),
  ].map((event, at) => ({ event, offset: 10 + at }));
  const projection = createPartitionProjection(10, 14);
  for (const each of log) projection.keep(projection.plan([each]));
  const end = { event: by('worker-b', 8, { type: 'response' }), offset: 14 };
  expect(projection.plan([end]).records.map(({ name }) => name)).toEqual(['Result', 'TaskState']);
});

test('what lives is not forgotten for the old times of what it took over, a clock that is a week ahead, or a standstill of a week (I2)', async () => {
  const live = simulate({
    agent: randomAgent({ maxUsd: '5' }),
    models: [scriptedModel('first', [{ kind: 'text', text: 'Thirty days [1].' }])],
  });
  await live.run('worker-a');
  const resultsAfter = (log: readonly AgentEvent[]) => {
    const projection = createPartitionProjection();
    for (const each of placed(log).slice(0, -1)) projection.keep(projection.plan([each]));
    projection.forget(4);
    const rest = projection.plan(placed(log).slice(-1)).records;
    return rest.filter(({ name, record }) => name === 'Result' && record.executionId === 'execution-1');
  };
  // A fork's copies stand behind its claim with the times of its origin.
  const isCopied = ({ type }: AgentEvent) => type !== 'user-input' && type !== 'claim' && type !== 'response';
  const forked = live.log.map((event) => (isCopied(event) ? { ...event, at: event.at - 8 * DAY } : event));
  expect(resultsAfter(forked)).toHaveLength(1);

  const [first] = live.log;
  if (!first) throw new Error('nothing is journaled');
  const others = (days: readonly number[]) =>
    days.map((day) => ({
      ...{ ...first, executionId: `execution-of-${day}`, taskId: `task-${day}` },
      at: live.now() + day * DAY,
    }));
  const unfinished = live.log.slice(0, -1);
  expect(resultsAfter([...others([8]), ...live.log])).toHaveLength(1);
  // Nothing ran for eight days, and the others are heard of first.
  expect(resultsAfter([...unfinished, ...others([8]), ...live.log.slice(-1)])).toHaveLength(1);
  // Left for good: silent for a week while others went on.
  const everyDay = others([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(resultsAfter([...unfinished, ...everyDay, ...live.log.slice(-1)])).toEqual([]);
});
