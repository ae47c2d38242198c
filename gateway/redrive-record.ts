/**
 * A record that could not be processed, taken through again. A change is appended to its own topic and partition as it stands there:
 * what became of it meanwhile is for whoever reads it, as one that is older than its document is superseded (rule V). A task is
 * sent as a new one, as the one it was has ended.
 */
import type { KafkaRecord, RecordToAppend } from '../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { cloudEventHeaders } from '../schemas/cloud-event.ts';
import { type DeadLetterReason, placeOf } from '../schemas/dead-letters.ts';
import { isUnreadable } from '../schemas/errors.ts';
import type { Task } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import { TRACEPARENT } from '../schemas/trace-context.ts';
import { taskIdOfKey } from './submit-task.ts';

export const REDRIVEN_FROM = 'freshet-redriven-from';

/** Why a record of this topic cannot be taken through again; null where it can. */
export const notRedriven = (
  topic: string,
  reason: string,
  changeTopics: readonly string[],
): string | null => {
  if (changeTopics.includes(topic)) return null;
  if (topic !== TOPICS.tasks.name)
    return `records of ${topic} are written by Freshet itself: appending them again would change what they say`;
  // A new task would make its effects once more, under keys that no tool has seen.
  return BEGUN.has(reason)
    ? 'it was begun and may have acted: look at what it did, and go on from one of its steps (freshet replay <place> --from-step <n>)'
    : null;
};

/** Why a task was given up that had begun. */
const BEGUN: ReadonlySet<string> = new Set<DeadLetterReason>(['poison', 'internal']);

/** Of one request. */
export const MOST_REDRIVEN = 200;
/** All of them are held at once. */
const MOST_BYTES = 64 * 1024 * 1024;

/** The first of these that one request takes: as many as there may be, of no more bytes together than are held at once, and one at least. */
export const redrivenAtOnce = <Of extends { readonly valueBytes: number; readonly never: string | null }>(
  letters: readonly Of[],
): readonly Of[] => {
  let bytes = 0;
  const first = letters.slice(0, MOST_REDRIVEN);
  const beyond = first.findIndex(({ valueBytes, never }, index) => {
    // What is not taken through again is not read.
    bytes += never === null ? valueBytes : 0;
    return index > 0 && bytes > MOST_BYTES;
  });
  return beyond < 0 ? first : first.slice(0, beyond);
};

/** The task that is sent in the place of one that has ended as a dead letter. */
export interface TaskAgain {
  readonly taskId: string;
  readonly record: RecordToAppend;
}

/**
 * A task under a name of its own: under the one it had it has ended, and whoever reads it again passes over it. The same name
 * however often the same dead letter is taken. Undefined where the record is no task that can be read, or names none: it is
 * appended as it stands then, and named by its new place. Errors: `registry-unavailable`.
 */
export const taskAgainOf = async (
  record: KafkaRecord,
  codec: Pick<RecordCodec, 'decode' | 'encode'>,
  at: number,
): Promise<TaskAgain | undefined> => {
  let task: Task;
  try {
    task = await codec.decode('Task', record.value);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
  if (task.taskId === null || task.taskId === '') return undefined;
  const from = placeOf(record);
  const taskId = taskIdOfKey(task.tenant ?? '', `redriven from ${from}`);
  const traceparent = record.headers[TRACEPARENT]?.toString('latin1');
  const headers = {
    ...cloudEventHeaders({ id: taskId, type: 'freshet.task', source: 'freshet/gateway', at }),
    ...(traceparent === undefined ? {} : { [TRACEPARENT]: traceparent }),
    [REDRIVEN_FROM]: from,
  };
  // Whoever handed it over has been told that it ended.
  const value = codec.encode('Task', { ...task, taskId, parent: null, createdAt: at });
  return { taskId, record: { topic: record.topic, key: task.sessionId ?? taskId, value, headers } };
};

const text = (bytes: Buffer): string | undefined => {
  const read = bytes.toString('utf8');
  return Buffer.from(read, 'utf8').equals(bytes) ? read : undefined;
};

/** Undefined where its key or a header is no text, and so could not be written back as it was. */
export const againOf = (record: KafkaRecord): RecordToAppend | undefined => {
  const key = record.key === null ? null : text(record.key);
  const headers: Record<string, string> = { [REDRIVEN_FROM]: placeOf(record) };
  for (const [name, value] of Object.entries(record.headers)) {
    const read = text(value);
    if (read === undefined) return undefined;
    if (name !== REDRIVEN_FROM) headers[name] = read;
  }
  if (key === undefined) return undefined;
  return { topic: record.topic, partition: record.partition, key, value: record.value, headers };
};
