/** A worker, the projection and the gateway over one broker: what each agent is asked, costs, is thought of; replays and forks. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AgentAction, openAgentClient } from '../../agents/client/agent-client.ts';
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { addCostCommand } from '../../cli/commands/cost.ts';
import { addDeadLetterCommands } from '../../cli/commands/dead-letter.ts';
import { addExecutionCommand } from '../../cli/commands/execution.ts';
import { addTaskCommand } from '../../cli/commands/task.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { ModelError } from '../../connectors/models/language/model-error.ts';
import { agentSchema } from '../../gateway/routes/agent-routes.ts';
import { costsSchema } from '../../gateway/routes/cost-routes.ts';
import { executionDetailSchema, taskSchema } from '../../gateway/views/execution-view.ts';
import { forkedSchema, rangeExecutionSchema, whatIfSchema } from '../../gateway/views/replay-schemas.ts';
import { startExecutionProjection } from '../../pipelines/project-executions/project-executions.ts';
import type { AgentDefinition, ToolContext } from '../../schemas/agent-definition.ts';
import { parseUsd } from '../../schemas/money.ts';
import type { Audit } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';
import { AGENT as RANDOM } from '../agents/replay/recorded-executions.ts';
import { runCommand } from '../support/run-command.ts';
import { until } from '../support/until.ts';
import { type GatewayUnderTest, openKafkaAndCodec, startGatewayUnderTest } from './gateway-under-test.ts';

const ID = randomUUID().slice(0, 8);
/** Keys under which an effect was undone. */
const undone: string[] = [];
/** Keys under which `change` had its effect. */
const changed: string[] = [];
const undoable = (RANDOM.tools ?? []).map((tool) =>
  tool.name === 'change'
    ? {
        ...tool,
        execute: async (_input: unknown, { idempotencyKey }: ToolContext) => {
          changed.push(idempotencyKey);
          return 'done';
        },
        compensate: async (_input: unknown, _output: unknown, context: ToolContext) => {
          undone.push(context.idempotencyKey);
        },
        compensateUsd: '0.0001',
      }
    : tool,
);
const frugal: AgentDefinition = { ...RANDOM, name: `frugal-${ID}`, version: '1', feature: `help-${ID}` };
const wordy: AgentDefinition = { ...RANDOM, tools: undoable, name: `wordy-${ID}`, version: '1' };
const FAILING = 'fail, please';

/** Answers at once for the one agent, and after two looks for the other; fails to when it is asked to, as long as it is told to. */
let failing = true;
const model: LanguageModel = {
  id: `model-${ID}`,
  price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
  contextTokens: 100_000,
  estimate: ({ messages }) => ({ inputTokens: 100 * messages.length, outputTokens: 50 }),
  generate: async ({ messages }) => {
    const asked = messages[0]?.content ?? '';
    const looks = asked.includes('look twice') ? 2 : 0;
    const done = messages.filter(({ role }) => role === 'tool').length;
    if (asked.includes(FAILING) && failing && done >= looks)
      throw new ModelError('no', {
        reason: 'refused',
        retryable: false,
        retryAfterMs: null,
        mayHaveCost: false,
      });
    const usage = {
      inputTokens: 40 * messages.length,
      outputTokens: 9,
      cachedInputTokens: 0,
      reported: true,
    };
    if (done >= looks) return { text: 'Thirty days [1].', toolCalls: [], finishReason: 'stop', usage };
    const toolCalls = [{ id: `call-${done}`, name: done === 0 ? 'look' : 'change', arguments: { at: 1 } }];
    return { text: '', toolCalls, finishReason: 'tool-calls', usage };
  },
};

let under: GatewayUnderTest;
const closings: (() => Promise<unknown>)[] = [];

const json = { 'content-type': 'application/json' };
const post = (path: string, body: unknown, headers = {}) =>
  under.call(path, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) });
const linesOf = async (response: Response): Promise<Record<string, unknown>[]> =>
  (await response.text())
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each) as Record<string, unknown>);

beforeAll(async () => {
  const { kafka, codec } = await openKafkaAndCodec();
  const writer = openRecordWriter(kafka);
  closings.push(kafka.close, writer.close);
  const worker = await startTaskWorker({
    ...{ kafka, codec, writer, models: [model], agents: [frugal, wordy] },
    retriever: fixedRetriever(),
    workerName: `replays-test-${ID}`,
    concurrency: 4,
    localTenant: 'acme',
  });
  closings.push(() => worker.stop(1_000));
  const projection = await startExecutionProjection({ kafka, codec, writer });
  closings.push(projection.stop);
  under = await startGatewayUnderTest({
    agents: [frugal, wordy],
    behaviours: [
      { ...wordy, version: '2', instructions: 'Take your time, and think about every word of it.' },
    ],
  });
  closings.push(under.close);
});

afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

const ask = (agent: AgentDefinition, input = 'How long do I have to return it?') =>
  openAgentClient(under.gateway.url, agent.name).execute({ input });

test('a client executes, checks health, reads metrics; what is thought of an answer is counted', async () => {
  const client = openAgentClient(under.gateway.url, frugal.name);
  expect((await client.healthCheck()).state).toBe('unknown');
  const answer = await client.execute({ input: 'How long?', idempotencyKey: `key-${ID}` });
  expect(answer).toMatchObject({ outcome: 'completed', error: null });
  // The same key is the same task.
  expect((await client.execute({ input: 'How long?', idempotencyKey: `key-${ID}` })).taskId).toBe(
    answer.taskId,
  );
  expect((await post(`/v1/tasks/${answer.taskId}/feedback`, { score: 2 })).status).toBe(400);
  expect((await post(`/v1/tasks/task-${ID}-none/feedback`, { score: 1 })).status).toBe(404);
  expect((await post(`/v1/tasks/${answer.taskId}/feedback`, { score: 0 })).status).toBe(200);
  expect((await post(`/v1/tasks/${answer.taskId}/feedback`, { score: 0.5, comment: 'So so.' })).body).toEqual(
    {
      taskId: answer.taskId,
      agent: frugal.name,
      score: 0.5,
      by: 'local',
    },
  );
  const cli = { gateway: under.gateway.url };
  const given = ['task', 'feedback', answer.taskId, '0.4', '--comment', 'So so,\nsaid at a terminal.'];
  expect((await runCommand(addTaskCommand, cli, given)).stdout).toBe('0.4 by local\n');
  await expect(
    runCommand(addTaskCommand, cli, ['task', 'feedback', answer.taskId, '5']),
  ).rejects.toMatchObject({ code: 'usage' });
  const show = ['execution', 'show', answer.executionId];
  await until('it is shown with the execution', async () =>
    (await runCommand(addExecutionCommand, cli, show)).stdout.includes(
      'feedback   0.4 by local: So so, said at a terminal.',
    ),
  );
  await client.feedback(answer.taskId, { score: 0.5 });
  const metrics = await until('the feedback is counted', async () => {
    const told = await client.getMetrics();
    return told.feedbackScore === 0.5 && told;
  });
  expect(metrics).toMatchObject({ requests: 1, completed: 1, successRate: 1, feedbackCount: 1, loopRate: 0 });
  expect(metrics.latencyMs.p50).toBeGreaterThan(0);
  expect(parseUsd(metrics.meanCostUsd ?? '')).toBe(parseUsd(answer.costUsd));
  expect((await client.healthCheck()).state).toBe('healthy');
  agentSchema.strict().parse((await under.call(`/v1/agents/${frugal.name}`)).body);
  expect((await under.call('/v1/agents/nobody')).status).toBe(404);
  const text = String((await under.call('/metrics')).body);
  expect(text).toContain(`freshet_feedback_score{agent="${frugal.name}"} 0.5`);
  expect(text).toContain(`freshet_resolution_seconds_count{agent="${frugal.name}"} 1`);
  expect(text).toContain(`freshet_api_calls_per_task_sum{agent="${frugal.name}"} 2`);
});

test('costs are told by every group, add up, and say why one agent costs more than another', async () => {
  await ask(wordy, 'look twice');
  const costs = await until('all calls of both are in the ledger', async () => {
    const told = costsSchema.strict().parse((await under.call('/v1/costs?by=step')).body);
    const dear = told.agents.find(({ name }) => name === wordy.name);
    return dear?.why.callsPerExecution === 3 && told;
  });
  const of = (name: string) => costs.agents.find((agent) => agent.name === name);
  expect(of(frugal.name)?.why.callsPerExecution).toBe(1);
  expect(costs.groups.reduce((sum, { usd }) => sum + parseUsd(usd), 0n)).toBe(parseUsd(costs.usd));
  const now = costsSchema.strict().parse((await under.call('/v1/costs?since=0s')).body);
  // The log is shared: of this test's own agents nothing is newer than now.
  expect(now.agents.filter(({ name }) => name === wordy.name || name === frugal.name)).toEqual([]);
  expect((await under.call('/v1/costs?since=yesterday')).status).toBe(400);
  const { stdout } = await runCommand(addCostCommand, { gateway: under.gateway.url }, ['cost', 'report']);
  expect(stdout).toMatch(new RegExp(`wordy-${ID} costs .* USD per execution`));
});

test("a cost counts under the feature that its task names, else under its agent's", async () => {
  const submit = ['task', 'submit', frugal.name, 'How long?', '--feature', `checkout-${ID}`, '--json'];
  const { stdout } = await runCommand(addTaskCommand, { gateway: under.gateway.url }, submit);
  const { taskId } = JSON.parse(stdout) as { taskId: string };
  const unnamed = await ask(frugal);
  const shown = async (id: string) => taskSchema.parse((await under.call(`/v1/tasks/${id}`)).body).feature;
  expect([await shown(taskId), await shown(unnamed.taskId)]).toEqual([`checkout-${ID}`, `help-${ID}`]);
  await until('both are in the ledger', async () => {
    const { groups } = costsSchema.parse((await under.call('/v1/costs?by=feature')).body);
    const names = groups.map(({ name }) => name);
    return names.includes(`checkout-${ID}`) && names.includes(`help-${ID}`);
  });
});

test('a range is replayed line by line; what another version would have decided is told with its cost', async () => {
  const { executionId } = await ask(wordy, 'look twice');
  const { body } = await under.call(`/v1/executions/${executionId}`);
  const { position } = body as { position: string };
  const [, partition, offset] = position.split(':').map(Number);
  const response = await fetch(`${under.gateway.url}/v1/replays`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ partition, offset, toOffset: offset }),
  });
  const lines = await linesOf(response);
  expect(rangeExecutionSchema.strict().parse(lines.find((each) => !('progress' in each)))).toMatchObject({
    executionId,
    state: 'identical',
    position,
  });
  expect(lines.at(-1)).toMatchObject({ summary: { executions: 1, identical: 1, outsideCalls: 0 } });
  expect((await post('/v1/replays', { partition, offset: 1e9, toOffset: 1e9 })).status).toBe(404);

  const whatIf = await post(`/v1/executions/${executionId}/what-if`, { behaviour: '2' });
  const told = whatIfSchema.strict().parse(whatIf.body);
  expect(told).toMatchObject({ recorded: '1', candidate: '2', leaves: null });
  expect(told.calls.map(({ changed }) => changed)).toEqual([true, true, true]);
  expect((await post(`/v1/executions/${executionId}/what-if`, { behaviour: '9' })).status).toBe(404);
  expect((await under.call('/v1/behaviours')).body).toMatchObject({
    behaviours: [{ runs: true }, { runs: true }, { agent: wordy.name, version: '2', runs: false }],
  });
});

test('a task whose id is too long for a name fails with the reason, under the name of its place, and its partition goes on (I2)', async () => {
  const { kafka, codec } = await openKafkaAndCodec();
  closings.push(kafka.close);
  // The last would not fit into a record that held it as key, header and value.
  const lengths = [257, 10_000, 900_000];
  const input = `How long is too long? ${ID}`;
  const taskOf = (taskId: string) => ({
    ...{ topic: TOPICS.tasks.name, partition: 4, key: null },
    value: Buffer.from(JSON.stringify({ agent: frugal.name, input, taskId })),
  });
  const longest = `task-${ID}-`.padEnd(256, '字');
  const places = await under.put(...lengths.map((length) => taskOf('x'.repeat(length))), taskOf(longest));
  const taskOfPlace = async (taskId: string) => {
    const { status, body } = await under.call(`/v1/tasks/${encodeURIComponent(taskId)}`);
    return status === 200 ? taskSchema.parse(body) : undefined;
  };
  const ended = (taskId: string) =>
    until(`the end of ${taskId.slice(0, 20)}`, async () => {
      const task = await taskOfPlace(taskId);
      return task?.result !== null || task.error !== null ? task : undefined;
    });
  const names = places.slice(0, -1).map(({ partition, offset }) => `task-${partition}-${offset}`);
  for (const [at, name] of names.entries()) {
    const { state, error } = await ended(name);
    expect(state).toBe('failed');
    expect(error).toMatchObject({ code: 'too-large' });
    expect(error?.message).toContain(`${lengths[at]} characters, over 256`);
  }
  expect(await ended(longest)).toMatchObject({ state: 'completed' });

  const states = new Map<string, string>();
  const results: string[] = [];
  await until('all are projected', async () => {
    results.length = 0;
    await scanTopic(kafka, { topic: TOPICS.taskStates.name }, async ({ key, value }) => {
      states.set(key?.toString() ?? '', (await codec.decode('TaskState', value)).state);
    });
    await scanTopic(kafka, { topic: TOPICS.results.name }, ({ key }) => {
      results.push(key?.toString() ?? '');
    });
    return [...names, longest].every((name) => results.includes(name) && states.get(name) !== 'processing');
  });
  expect(names.map((name) => states.get(name))).toEqual(['failed', 'failed', 'failed']);
  expect([...names, longest].map((name) => results.filter((each) => each === name).length)).toEqual([
    1, 1, 1, 1,
  ]);
  const { body } = await under.call('/v1/dead-letters?topic=freshet.tasks&reason=too-large&limit=500');
  const letters = (body as { items: { place: string }[] }).items.map((each) => each.place);
  for (const { partition, offset } of places.slice(0, -1))
    expect(letters).toContain(`freshet.tasks:${partition}:${offset}`);
});

test('a fork is a task that names its origin, audited; a dry run says what it would be and changes nothing', async () => {
  const { executionId } = await ask(wordy, 'look twice');
  const path = `/v1/executions/${executionId}/fork`;
  const dry = forkedSchema.strict().parse((await post(path, { step: 2, dryRun: true })).body);
  // Step 1 retrieves, 2 asks, 3 looks, 4 asks, 5 changes something outside.
  expect(dry).toMatchObject({
    taskId: null,
    origin: `${executionId}:2`,
    takenOver: { step: 2 },
    effects: [{ step: 5, tool: 'change', kind: 'declared' }],
  });
  const key = { 'idempotency-key': randomUUID() };
  const made = await post(path, { step: 2, budget: { maxUsd: '0.10' }, reason: 'try again' }, key);
  expect(made.status).toBe(202);
  const forked = forkedSchema.strict().parse(made.body);
  expect(
    forkedSchema.parse((await post(path, { step: 2, budget: { maxUsd: '0.10' } }, key)).body).taskId,
  ).toBe(forked.taskId);
  expect((await post(path, { step: 3, budget: { maxUsd: '0.10' } }, key)).status).toBe(409);
  expect((await post(path, { step: 99 })).status).toBe(400);
  const tasks = await under.tasksInKafka(forked.taskId ?? '');
  expect(tasks).toHaveLength(1);
  const task = await under.codec.decode('Task', tasks[0]?.value ?? null);
  const { position } = (await under.call(`/v1/executions/${executionId}`)).body as { position: string };
  const [, partition, offset] = position.split(':').map(Number);
  expect(task).toMatchObject({
    fork: { partition, offset, step: 2, compensate: false },
    budget: { maxUsd: '0.10' },
    principal: 'local',
  });
  const audits: Audit[] = [];
  const { kafka } = await openKafkaAndCodec();
  await scanTopic(kafka, { topic: TOPICS.audit.name }, async ({ value }) => {
    const audit = await under.codec.decode('Audit', value);
    if (audit.targets.includes(forked.executionId ?? '')) audits.push(audit);
  });
  await kafka.close();
  expect(audits[0]).toMatchObject({ by: 'local', action: 'execution fork', reason: 'try again' });
  // Written down before it was done.
  expect(audits[0]?.at).toBeLessThanOrEqual(Number(task.createdAt));
});

test('a fork goes on live: the copied steps cost nothing, what was done after them is undone once, and it replays identically', async () => {
  const origin = await ask(wordy, 'look twice');
  const asked = { step: 3, compensate: true };
  const made = await post(`/v1/executions/${origin.executionId}/fork`, asked);
  const { taskId, executionId } = forkedSchema.parse(made.body);
  const ended = await until('the fork has ended', async () => {
    const { body } = await under.call(`/v1/tasks/${taskId}`);
    const task = taskSchema.parse(body);
    return task.outcome !== null && task;
  });
  expect(ended).toMatchObject({ state: 'completed', agent: wordy.name });
  const execution = executionDetailSchema.parse((await under.call(`/v1/executions/${executionId}`)).body);
  expect(execution.timeline.map(({ step, kind, costUsd }) => [step, kind, costUsd === null])).toEqual([
    [1, 'retrieve', true],
    // Taken over with its reply: paid for by the origin.
    [2, 'model', true],
    [3, 'tool', true],
    [4, 'model', false],
    [5, 'tool', true],
    [6, 'model', false],
    [7, 'respond', true],
  ]);
  expect(undone).toEqual([`${origin.executionId}:5:undo`]);
  expect(parseUsd(execution.costUsd)).toBeLessThan(parseUsd(origin.costUsd));
  // What was undone is no step, and was paid for.
  const ofSteps = execution.timeline.reduce((sum, { costUsd }) => sum + parseUsd(costUsd ?? '0'), 0n);
  expect(parseUsd(execution.costUsd) - ofSteps).toBe(parseUsd('0.0001'));
  expect((await post(`/v1/executions/${executionId}/replay`, {})).body).toMatchObject({ identical: true });
  // Whoever writes a task by hand reads nothing of another tenant's execution by it (I9).
  const tasks = await under.tasksInKafka(taskId ?? '');
  const task = await under.codec.decode('Task', tasks[0]?.value ?? null);
  const stolen = { ...task, taskId: `task-${ID}-stolen`, tenant: 'other' };
  await under.put({ topic: TOPICS.tasks.name, key: null, value: under.codec.encode('Task', stolen) });
  const refused = await until('it is refused', async () => {
    const { status, body } = await under.call(`/v1/tasks/task-${ID}-stolen`);
    return status === 200 && taskSchema.parse(body).outcome !== null && taskSchema.parse(body);
  });
  expect(refused.error?.code).toBe('task-invalid');
  expect(undone).toHaveLength(1);
});

test('two executions stand side by side, step by step; who used a document is told from the journal', async () => {
  const [a, b] = [await ask(frugal), await ask(wordy, 'look twice')];
  const { stdout } = await runCommand(addExecutionCommand, { gateway: under.gateway.url }, [
    ...['execution', 'diff', a.executionId, b.executionId],
  ]);
  expect(stdout).toContain('only one');
  expect(stdout).toContain('they differ');
  const same = await under.call(`/v1/executions/${a.executionId}/diff?with=${a.executionId}`);
  expect(same.body).toMatchObject({ same: true });

  const id = 'help/public.articles/1';
  const used = await fetch(`${under.gateway.url}/v1/executions?used=${encodeURIComponent(id)}`);
  const lines = await linesOf(used);
  const of = (executionId: string) => lines.find((each) => each.executionId === executionId);
  expect(of(a.executionId)).toMatchObject({ cited: true, ended: true, brought: [{ via: 'retrieve' }] });
  expect(((of(b.executionId)?.decisions ?? []) as unknown[]).length).toBeGreaterThan(3);
  expect(lines.at(-1)).toMatchObject({ done: true });
  expect((await under.call('/v1/executions?used=x&from=1:0&to=2:0')).status).toBe(400);
  const shown = await runCommand(addExecutionCommand, { gateway: under.gateway.url }, [
    ...['execution', 'list', '--used', id, '--agent', frugal.name],
  ]);
  expect(shown.stdout).toContain(a.executionId);
  expect(shown.stdout).not.toContain(b.executionId);
});

test('what failed for a reason that passes goes on, once, from before it failed: no effect is made twice, and its terms hold', async () => {
  failing = true;
  const client = openAgentClient(under.gateway.url, wordy.name);
  const waitsUntil = new Date(Date.now() + 3_600_000).toISOString();
  const terms = {
    budget: { maxUsd: '0.25', maxSteps: 9 },
    priority: 7,
    freshness: { maxStalenessMs: 80_000_000 },
  };
  const sent = async (more: object) => {
    const { body } = await post('/v1/tasks', {
      ...{ agent: wordy.name, input: `look twice, and then ${FAILING}`, ...terms },
      ...more,
    });
    return (body as { taskId: string }).taskId;
  };
  const ended = (taskId: string) =>
    until('it has ended', async () => {
      const task = taskSchema.parse((await under.call(`/v1/tasks/${taskId}`)).body);
      return task.outcome !== null && task;
    });
  const before = changed.length;
  const failed = await ended(await sent({ deadlineAt: waitsUntil }));
  expect(failed.error?.code).toBe('model-failed');
  expect(changed).toHaveLength(before + 1);
  // Nobody waits for this one by the time it could go on.
  const late = await ended(await sent({ deadlineAt: new Date(Date.now() + 2_000).toISOString() }));
  await until('its deadline is over', () => Date.parse(late.deadlineAt ?? '') < Date.now());
  failing = false;
  const made = [...changed];
  const recovered = await client.recoverFromErrors();
  expect(recovered).toEqual([
    { taskId: failed.taskId, code: 'model-failed', step: 5, newTaskId: expect.any(String) },
  ]);
  expect(await client.recoverFromErrors()).toEqual(recovered);
  const [{ newTaskId = '' } = {}] = recovered;
  expect(await ended(newTaskId)).toMatchObject({ state: 'completed', feature: 'recovery' });
  expect(changed).toEqual(made);
  const [record] = await under.tasksInKafka(newTaskId);
  const task = await under.codec.decode('Task', record?.value ?? null);
  // Beyond the five that are taken over.
  const budget = { maxUsd: '0.25', maxSteps: 9 + 5 };
  expect(task).toMatchObject({ ...terms, budget, deadlineAt: Date.parse(waitsUntil) * 1_000 });
});

test('a client logs every action', async () => {
  failing = true;
  const client = openAgentClient(under.gateway.url, frugal.name);
  const failed = await client.execute({ input: FAILING });
  expect(failed.error?.code).toBe('model-failed');
  failing = false;
  // Nothing of it was done: it begins anew.
  expect(await client.recoverFromErrors()).toMatchObject([{ taskId: failed.taskId, step: 1 }]);
  const actions: AgentAction[] = [];
  const stop = new AbortController();
  const logging = client.logAllActions((action) => actions.push(action), stop.signal);
  const late = await ask(frugal, 'One more?');
  await until('its actions are logged', () =>
    actions.some(({ executionId, kind }) => executionId === late.executionId && kind === 'respond'),
  );
  stop.abort();
  await Promise.race([logging.catch(() => undefined), sleep(5_000)]);
  const own = actions.filter(({ executionId }) => executionId === late.executionId);
  expect(own.map(({ kind }) => kind)).toEqual(['retrieve', 'model', 'respond']);
  for (const { position } of own) expect(position).toMatch(/^freshet\.agent-events:\d+:\d+$/);
  expect(new Set(actions.map(({ executionId, step }) => `${executionId}:${step}`)).size).toBe(actions.length);
  expect(actions.some(({ error }) => error !== null)).toBe(true);
});

test('a task that is a dead letter is taken through again as a new one, the same however often it is asked for', async () => {
  const asked = await under.codec.encode('Task', {
    ...{ taskId: `task-${ID}-nobody`, agent: `nobody-${ID}`, input: 'Is anybody there?', tenant: 'acme' },
    ...{ sessionId: null, principal: null, feature: null, budget: null, freshness: null, parent: null },
    ...{ fork: null, priority: 0, notBefore: null, deadlineAt: null, createdAt: Date.now() * 1_000 },
  });
  const [at] = await under.put({ topic: TOPICS.tasks.name, key: `task-${ID}-nobody`, value: asked });
  const place = `${TOPICS.tasks.name}:${at?.partition}:${at?.offset}`;
  type Letters = { readonly items: readonly { readonly place: string; readonly redriven: boolean }[] };
  const letters = async () =>
    ((await under.call(`/v1/dead-letters?topic=${TOPICS.tasks.name}&reason=unknown-agent`)).body as Letters)
      .items;
  await until('the letter', async () => (await letters()).some((each) => each.place === place));
  const redrive = async (dryRun: boolean) =>
    (await post('/v1/dead-letters/redrive', { places: [place], dryRun })).body as {
      readonly tasks: readonly { readonly place: string; readonly taskId: string }[];
    };
  const would = await redrive(true);
  const done = await redrive(false);
  expect(done.tasks).toEqual([{ place, taskId: expect.stringMatching(/^task-[0-9a-f]{32}$/) }]);
  expect(would.tasks).toEqual(done.tasks);
  const taskId = done.tasks[0]?.taskId ?? '';
  await until('it has ended too, for the same reason', async () => {
    const { status, body } = await under.call(`/v1/tasks/${taskId}`);
    return status === 200 && taskSchema.parse(body).error?.code === 'unknown-agent';
  });
  expect((await letters()).find((each) => each.place === place)?.redriven).toBe(true);
  // Under its new name it has ended by now: taken again, nothing comes of it.
  await redrive(false);
  expect(await under.tasksInKafka(taskId)).toHaveLength(2);
  const shown = await runCommand(addDeadLetterCommands, { gateway: under.gateway.url }, [
    ...['dead-letter', 'redrive', place, '--dry-run'],
  ]);
  expect(shown.stdout).toBe(`would redrive  ${place}  as ${taskId}\n`);
});
