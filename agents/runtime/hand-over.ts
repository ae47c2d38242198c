/** Hands a task to another agent: its intent with the money it may cost, then the task itself. */
import { FreshetError } from '../../schemas/errors.ts';
import { DELEGATED } from '../../schemas/execution-costs.ts';
import { handOverContextOf } from '../../schemas/task-trace.ts';
import { traceparentOf } from '../../schemas/trace-context.ts';
import { type Decided, inputHashOf } from './decision.ts';
import type { ExecutionToRun, RunServices } from './execution-run.ts';
import type { Subtask } from './execution-state.ts';
import { NOTHING_SPENT, type StepResult, type StepScope, throwIfStopped } from './step-scope.ts';
import { subtaskIdOf } from './subtask-id.ts';
import { subtaskOf } from './subtasks.ts';

export const delegate = async (decision: Decided<'delegate'>, scope: StepScope): Promise<StepResult> => {
  const { journal, run, at } = scope;
  const { step, name, input, reservedUsd } = decision;
  await journal.write({
    type: 'intent',
    step,
    at,
    name,
    input: JSON.stringify(input),
    inputHash: inputHashOf(decision),
    reservedUsd,
    priceTable: DELEGATED,
    idempotencyKey: subtaskIdOf(run.identity.executionId, step),
  });
  throwIfStopped(scope);
  const subtask = journal.state().subtasks.at(-1);
  if (subtask) await submitSubtask(subtask, run, scope.services, reservedUsd);
  const subtaskId = subtaskIdOf(run.identity.executionId, step);
  const seen = { of: 'delegate', callId: decision.callId, subtaskId, agent: decision.agent } as const;
  return { succeeded: true, outsideMicros: 0, ...NOTHING_SPENT, seen };
};

/** Again after a takeover: it is the same task. */
export const submitSubtask = async (
  { call, step, taskId }: Subtask,
  { identity, input, task, agent, trace }: ExecutionToRun,
  services: RunServices,
  maxUsd: string,
): Promise<void> => {
  const tool = agent?.tools?.find((each) => each.name === call.name);
  if (!tool?.subtask) throw new FreshetError('internal', `${call.name} hands nothing to another agent`);
  const { input: text } = tool.arguments.parse(call.arguments) as { readonly input: string };
  const tenant = identity.tenant ?? services.localTenant;
  const of = { identity, input, partition: task.partition, tenant, now: services.clock() };
  const handedOver = traceparentOf(handOverContextOf(trace, taskId));
  const subtask = subtaskOf(of, { agent: tool.subtask.agent, step, text, maxUsd });
  await services.subtasks.submit(subtask, taskId, handedOver);
};
