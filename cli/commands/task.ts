/** `freshet task submit|list|show|watch|cancel|approve|feedback`. */
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { freshnessOptions } from '../freshness-options.ts';
import type { GatewayClient } from '../gateway-client.ts';
import { createOutput, duration, type Output, oneLine, printable, table } from '../output.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { wholeNumber } from '../whole-number.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';
import { addTaskSignals } from './task-signals.ts';

interface TaskView {
  readonly taskId: string;
  readonly executionId: string;
  readonly agent: string;
  readonly input: string;
  readonly state: 'pending' | 'processing' | 'completed' | 'failed';
  readonly outcome: string | null;
  readonly result: { readonly text?: string } | null;
  readonly partial: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly receipt: unknown;
  readonly cost: { readonly usd: string };
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
}

interface ListOptions {
  readonly agent?: string;
  readonly state?: string;
  readonly tenant?: string;
  readonly limit: string;
  readonly json?: boolean;
}

const agesOf = (receipt: unknown): string => {
  const ages = [...JSON.stringify(receipt ?? null).matchAll(/"ageMs":(\d+)/g)].map((match) =>
    Number(match[1]),
  );
  if (ages.length === 0) return 'no context';
  return `context of ${ages.length} chunks, committed ${duration(Math.min(...ages))} to ${duration(Math.max(...ages))} before; ${stalenessOf(receipt)}`;
};

const stalenessOf = (receipt: unknown): string => {
  const { stalenessMs } = (receipt ?? {}) as { readonly stalenessMs?: number | null };
  return typeof stalenessMs === 'number'
    ? `everything up to ${duration(stalenessMs)} before it is covered`
    : 'how much is covered is unknown';
};

/** The last words of its model; without any, what came of its last tool call. */
const reachedBy = (partial: unknown): string => {
  const { text, toolResults } = partial as {
    readonly text?: string | null;
    readonly toolResults?: readonly { readonly name: string; readonly content: string }[];
  };
  const last = toolResults?.at(-1);
  return text ?? (last ? `${last.name}: ${last.content}` : JSON.stringify(partial));
};

const describe = (task: TaskView): string =>
  [
    `task       ${task.taskId}`,
    `execution  ${task.executionId}`,
    `agent      ${task.agent}`,
    `state      ${task.state}${task.outcome && task.outcome !== task.state ? ` (${task.outcome})` : ''}`,
    `input      ${oneLine(task.input, 200)}`,
    `cost       $${task.cost.usd}`,
    ...(task.receipt ? [`receipt    ${agesOf(task.receipt)}`] : []),
    ...(task.error ? [`error      ${task.error.code}: ${printable(task.error.message)}`] : []),
    ...(task.result?.text ? ['', printable(task.result.text)] : []),
    ...(task.partial ? ['', `reached before: ${oneLine(reachedBy(task.partial), 400)}`] : []),
  ].join('\n');

/** Errors: `check-failed`, so that a script sees by the exit code that there is no answer. */
const checkEnd = ({ state, error, outcome }: Pick<TaskView, 'state' | 'error' | 'outcome'>): void => {
  if (state === 'failed')
    throw new FreshetError(
      'check-failed',
      `the task failed: ${error?.message ?? outcome ?? 'without a reason'}`,
    );
};

/** Streams the answer as it comes, then the task. Errors: `check-failed`, also where Ctrl-C came before the answer. */
const watch = (gateway: GatewayClient, taskId: string, output: Output): Promise<void> =>
  untilInterrupted((interrupted) => follow(gateway, taskId, output, interrupted));

const follow = async (
  gateway: GatewayClient,
  taskId: string,
  output: Output,
  interrupted: AbortSignal,
): Promise<void> => {
  let told = '';
  let writing = -1;
  let said = '';
  for await (const { event, id, data } of gateway.events(
    `/v1/tasks/${encodeURIComponent(taskId)}/events`,
    interrupted,
  )) {
    if (output.json) {
      output.stream({ event, id, data }, () => '');
      continue;
    }
    const { text = '', state = '', step = 0 } = data as { text?: string; state?: string; step?: number };
    if (event === 'text') {
      // What several models are asked, one after the other, is several texts.
      if (step !== writing) {
        if (said !== '') process.stdout.write('\n\n');
        said = '';
        writing = step;
      }
      said += text;
      process.stdout.write(printable(text));
    } else if (event === 'tool-call') output.talk(`  → ${oneLine(text, 200)}`);
    else if (event === 'task' && state !== told) {
      told = state;
      output.talk(`  ${state}`);
    }
  }
  if (interrupted.aborted)
    throw new FreshetError(
      'check-failed',
      `it was watched no longer, and goes on; see: npx freshet task show ${taskId}`,
    );
  const ended = await gateway.get<TaskView>(`/v1/tasks/${encodeURIComponent(taskId)}`);
  if (!output.json) {
    process.stdout.write('\n\n');
    // Where the answer is what the last model said, it stands above already.
    output.print(ended, (task) => describe(task.result?.text === said ? { ...task, result: null } : task));
  }
  checkEnd(ended);
};

export const addTaskCommand = (freshet: Command, surroundings: Surroundings): void => {
  const task = freshet.command('task').description('tasks: requests to agents');
  task
    .command('submit <agent> <input>')
    .description('hand a task to an agent')
    .option('--watch', 'stream the answer, then show the task with its receipt')
    .option('--tenant <tenant>', "whose documents; the configuration's localTenant where left out")
    .option('--feature <name>', 'what its cost is attributed to; what its agent says where left out')
    .option('--session <id>', 'tasks of one session run in order')
    .option('--max-usd <decimal>', 'money that the execution may spend')
    .option('--fresh-after <source>@<position>', 'retrieve only once the index covers this position')
    .option('--max-staleness <duration>', 'retrieve only while the index is no further behind, such as 5s')
    .option('--wait <duration>', 'how long to wait for that (default 5s)')
    .option('--priority <n>', 'of what waits, the higher goes first: 0 to 9 (default 0)')
    .option('--not-before <time>', 'it starts no sooner, such as 2026-01-31T09:00:00Z')
    .option('--deadline <time>', 'past it, it is halted')
    .option('--idempotency-key <key>', 'the same key is the same task')
    .option('--json', 'JSON, a line an event with --watch')
    .action(
      async (
        agent: string,
        input: string,
        options: {
          watch?: boolean;
          tenant?: string;
          feature?: string;
          session?: string;
          maxUsd?: string;
          idempotencyKey?: string;
          priority?: string;
          notBefore?: string;
          deadline?: string;
          freshAfter?: string;
          maxStaleness?: string;
          wait?: string;
          json?: boolean;
        },
      ) => {
        const output = createOutput(options.json ?? false);
        const gateway = gatewayOf(surroundings);
        const submitted = await gateway.post<{ taskId: string; state: string }>(
          '/v1/tasks',
          {
            agent,
            input,
            ...(options.tenant ? { tenant: options.tenant } : {}),
            ...(options.feature ? { feature: options.feature } : {}),
            ...(options.session ? { sessionId: options.session } : {}),
            ...(options.maxUsd ? { budget: { maxUsd: options.maxUsd } } : {}),
            ...(options.priority ? { priority: wholeNumber(options.priority, '--priority') } : {}),
            ...(options.notBefore ? { notBefore: options.notBefore } : {}),
            ...(options.deadline ? { deadlineAt: options.deadline } : {}),
            ...freshnessOptions(options),
          },
          options.idempotencyKey ? { 'idempotency-key': options.idempotencyKey } : {},
        );
        if (options.watch) await watch(gateway, submitted.taskId, output);
        else output.print(submitted, ({ taskId, state }) => `${taskId}  ${state}`);
      },
    );
  task
    .command('list')
    .description('recent tasks, newest first')
    .option('--agent <agent>', 'of this agent')
    .option('--state <state>', 'pending, processing, completed or failed')
    .option('--tenant <tenant>', 'of this tenant')
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'JSON')
    .action(async ({ json, ...query }: ListOptions) => {
      const { tasks } = await gatewayOf(surroundings).get<{ tasks: readonly TaskView[] }>('/v1/tasks', query);
      createOutput(json ?? false).print(tasks, (all) =>
        table(
          ['task', 'agent', 'state', 'cost', 'input'],
          all.map((each) => [
            each.taskId,
            each.agent,
            each.state,
            `$${each.cost.usd}`,
            oneLine(each.input, 60),
          ]),
        ),
      );
    });
  task
    .command('show <taskId>')
    .description('one task, with its result and receipt')
    .option('--json', 'JSON')
    .action(async (taskId: string, options: { json?: boolean }) => {
      const found = await gatewayOf(surroundings).get<TaskView>(`/v1/tasks/${encodeURIComponent(taskId)}`);
      createOutput(options.json ?? false).print(found, describe);
      checkEnd(found);
    });
  task
    .command('watch <taskId>')
    .description('the answer as it comes')
    .option('--json', 'a line of JSON an event')
    .action(async (taskId: string, options: { json?: boolean }) =>
      watch(gatewayOf(surroundings), taskId, createOutput(options.json ?? false)),
    );
  addTaskSignals(task, surroundings);
};
