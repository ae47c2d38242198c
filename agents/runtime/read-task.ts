/** A record of freshet.tasks → a task under its names, or why it is none. */
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { unreadableReason } from '../../connectors/registry/unreadable-reason.ts';
import type { DeadLetterReason } from '../../schemas/dead-letters.ts';
import { hasCode, toError } from '../../schemas/errors.ts';
import type { UserInput } from '../../schemas/execution-payloads.ts';
import type { Task } from '../../schemas/records.ts';
import { executionIdOf, taskIdOf, taskTimeOf, wrongIdOf } from '../../schemas/task-identity.ts';
import type { DecisionFacts } from './decide.ts';

export interface ReadableTask {
  readonly kind: 'task';
  readonly task: Task;
  readonly taskId: string;
  readonly executionId: string;
  readonly input: UserInput;
  /** It can be named, so it gets a result, but it is not to be begun. */
  readonly refusal: DecisionFacts['refusal'];
}

export type ReadTask =
  | ReadableTask
  | { readonly kind: 'unreadable'; readonly reason: DeadLetterReason; readonly message: string };

/** Longer ones belong into a document. */
export const MAX_INPUT_CHARACTERS = 256 * 1024;

/** Errors: `registry-unavailable` (try again). */
export const readTask = async (
  record: KafkaRecord,
  codec: Pick<RecordCodec, 'decode'>,
): Promise<ReadTask> => {
  let task: Task;
  try {
    task = await codec.decode('Task', record.value);
  } catch (thrown) {
    if (hasCode(thrown, 'registry-unavailable')) throw thrown;
    return { kind: 'unreadable', reason: unreadableReason(record.value), message: toError(thrown).message };
  }
  const taskId = taskIdOf(task, record);
  const tooLarge = task.input.length > MAX_INPUT_CHARACTERS;
  const wrong = tooLarge
    ? `the input has ${task.input.length} characters, over ${MAX_INPUT_CHARACTERS}`
    : wrongIdOf(task);
  return {
    kind: 'task',
    task,
    taskId,
    executionId: executionIdOf(taskId),
    input: {
      text: tooLarge ? '' : task.input,
      principal: task.principal,
      feature: task.feature,
      budget: task.budget,
      ...(task.freshness ? { freshness: task.freshness } : {}),
      ...(task.deadlineAt === null ? {} : { deadlineAt: task.deadlineAt }),
      ...(task.priority === 0 ? {} : { priority: task.priority }),
      ...(task.parent ? { parent: task.parent } : {}),
      ...(task.fork ? { fork: task.fork } : {}),
      createdAt: taskTimeOf(task, record),
    },
    refusal: wrong === null ? null : { code: 'too-large', message: wrong },
  };
};
