/** `freshet execution list|show|diff`. */
import type { Command } from 'commander';
import type { GatewayClient } from '../gateway-client.ts';
import { createOutput, duration, oneLine, printable, size, table } from '../output.ts';
import { type Comparison, describeComparison } from './execution-comparison.ts';
import { listUses } from './execution-uses.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Execution {
  readonly executionId: string;
  readonly taskId: string;
  readonly agent: string;
  readonly behaviour: string | null;
  readonly worker: string | null;
  readonly input: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly steps: number;
  readonly claims: number;
  readonly costUsd: string;
  readonly startedAt: string | null;
  readonly queuedMs: number | null;
  readonly durationMs: number | null;
  readonly position: string | null;
}

interface PayloadShown {
  readonly hash: string;
  readonly bytes: number;
}

interface ExecutionDetail extends Execution {
  readonly output: unknown;
  readonly feedback: readonly {
    readonly by: string;
    readonly score: number;
    readonly comment: string | null;
  }[];
  readonly timeline: readonly {
    readonly step: number;
    readonly kind: string;
    readonly name: string | null;
    readonly state: string;
    readonly input: unknown;
    readonly output: unknown;
    /** Not null: what is shown is a glance. */
    readonly inputPayload: PayloadShown | null;
    readonly outputPayload: PayloadShown | null;
    readonly error: { readonly code: string; readonly message: string } | null;
    readonly retries: number;
    readonly cited: readonly {
      readonly documentId: string;
      readonly chunk: number;
      readonly version: string;
      readonly title: string | null;
      readonly ageMs: number | null;
    }[];
    readonly costUsd: string | null;
    readonly durationMs: number;
    readonly events: readonly { readonly type: string; readonly position: string }[];
  }[];
}

const WIDTH = 150;

/** On one line, and how much more there is; as it is printed with --full, on as many as it takes. */
const shown = (value: unknown, payload: PayloadShown | null, full: boolean): string => {
  if (full) return JSON.stringify(value ?? null, null, 2).replaceAll('\n', '\n          ');
  const line = oneLine(JSON.stringify(value ?? null), WIDTH);
  return payload ? `${line} (${size(payload.bytes)} in all: --full)` : line;
};

/** With every input and output that the timeline gives a glance of read whole. */
const whole = async (gateway: GatewayClient, execution: ExecutionDetail): Promise<ExecutionDetail> => {
  const read = (hash: string): Promise<unknown> =>
    gateway.get(`/v1/executions/${encodeURIComponent(execution.executionId)}/payloads/${hash}`);
  const timeline: ExecutionDetail['timeline'][number][] = [];
  for (const step of execution.timeline) {
    const { inputPayload, outputPayload } = step;
    timeline.push({
      ...step,
      ...(inputPayload ? { input: await read(inputPayload.hash), inputPayload: null } : {}),
      ...(outputPayload ? { output: await read(outputPayload.hash), outputPayload: null } : {}),
    });
  }
  return { ...execution, timeline };
};

const describe = (execution: ExecutionDetail, full: boolean): string => {
  const head = [
    `execution  ${execution.executionId}`,
    `task       ${execution.taskId}`,
    `agent      ${execution.agent} (behaviour ${execution.behaviour ?? '–'}) on ${execution.worker ?? '–'}${execution.claims > 1 ? `, taken on ${execution.claims} times` : ''}`,
    `state      ${execution.state}${execution.outcome ? ` (${execution.outcome})` : ''}`,
    `time       queued ${duration(execution.queuedMs)}, ran ${duration(execution.durationMs)}, ${execution.steps} steps, $${execution.costUsd}`,
    `input      ${oneLine(execution.input, WIDTH)}`,
    ...(execution.error
      ? [`error      ${execution.error.code}: ${oneLine(execution.error.message, WIDTH)}`]
      : []),
    ...execution.feedback.map(
      ({ by, score, comment }) =>
        `feedback   ${score} by ${by}${comment === null ? '' : `: ${oneLine(comment, WIDTH)}`}`,
    ),
    ...(execution.position ? [`replay     npx freshet replay ${execution.position}`] : []),
  ];
  const steps = execution.timeline.flatMap((step) => [
    '',
    `${String(step.step).padStart(3)}  ${step.kind}${step.name ? ` ${oneLine(step.name, WIDTH)}` : ''}  ${step.state}  ${duration(step.durationMs)}${step.costUsd ? `  $${step.costUsd}` : ''}${step.retries > 0 ? `  ${step.retries} retries` : ''}`,
    `     in   ${shown(step.input, step.inputPayload, full)}`,
    step.error
      ? `     err  ${step.error.code}: ${oneLine(step.error.message, WIDTH)}`
      : `     out  ${shown(step.output, step.outputPayload, full)}`,
    ...step.cited.map(
      (each) =>
        `     ←    ${each.documentId} chunk ${each.chunk}, ${duration(each.ageMs)} old: ${oneLine(each.title ?? '', 80)}`,
    ),
    ...step.events.map((event) => `     @    ${event.position} ${event.type}`),
  ]);
  return printable([...head, ...steps].join('\n'));
};

interface ListOptions {
  readonly agent?: string;
  readonly state?: string;
  readonly tenant?: string;
  readonly limit: string;
  readonly used?: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

export const addExecutionCommand = (freshet: Command, surroundings: Surroundings): void => {
  const execution = freshet.command('execution').description('executions: runs of tasks, step by step');
  execution
    .command('list')
    .description('recent executions, newest first')
    .option('--agent <agent>', 'of this agent')
    .option('--state <state>', 'pending, processing, completed or failed')
    .option('--tenant <tenant>', 'of this tenant')
    .option('--limit <n>', 'how many', '20')
    .option('--used <id>', 'that had this document or memory before them, from the journal')
    .option('--from <partition:offset>', 'with --used: where in freshet.agent-events to begin')
    .option('--to <partition:offset>', 'with --used: the last that is read')
    .option('--json', 'JSON; with --used a line per execution')
    .action(async (options: ListOptions) => {
      if (options.used !== undefined) return listUses(gatewayOf(surroundings), options.used, options);
      const { executions } = await gatewayOf(surroundings).get<{ executions: readonly Execution[] }>(
        '/v1/executions',
        { agent: options.agent, state: options.state, tenant: options.tenant, limit: options.limit },
      );
      createOutput(options.json ?? false).print(executions, (all) =>
        table(
          ['execution', 'agent', 'state', 'steps', 'ran', 'cost', 'input'],
          all.map((each) => [
            each.executionId,
            each.agent,
            each.outcome ?? each.state,
            String(each.steps),
            duration(each.durationMs),
            `$${each.costUsd}`,
            oneLine(each.input, 60),
          ]),
        ),
      );
    });
  execution
    .command('show <executionId>')
    .description('every step with input, output, error, what it cited and how old that was, cost and offsets')
    .option('--full', 'inputs and outputs whole, however large')
    .option('--json', 'JSON')
    .action(async (executionId: string, options: { json?: boolean; full?: boolean }) => {
      const gateway = gatewayOf(surroundings);
      const found = await gateway.get<ExecutionDetail>(`/v1/executions/${encodeURIComponent(executionId)}`);
      const full = options.full ?? false;
      createOutput(options.json ?? false).print(full ? await whole(gateway, found) : found, (each) =>
        describe(each, full),
      );
    });
  execution
    .command('diff <a> <b>')
    .description('two executions side by side: their steps in pairs, and what of each differs')
    .option('--json', 'JSON')
    .action(async (a: string, b: string, options: { json?: boolean }) => {
      createOutput(options.json ?? false).print(
        await gatewayOf(surroundings).get<Comparison>(`/v1/executions/${encodeURIComponent(a)}/diff`, {
          with: b,
        }),
        describeComparison,
      );
    });
};
