/** An execution that waits ⇄ the event that holds all of it (schemas/execution-snapshot.ts). Pure. */
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { parseCosts } from '../../schemas/execution-costs.ts';
import {
  parseSnapshotContent,
  SNAPSHOT,
  type SnapshotContent,
  type SnapshotPlace,
  type SnapshotSubtask,
  snapshotPlaceOf,
} from '../../schemas/execution-snapshot.ts';
import type { AgentEvent, TaskParent } from '../../schemas/records.ts';
import type { EventDraft } from './execution-journal.ts';
import { type ExecutionState, INITIAL_STATE } from './execution-state.ts';
import { subtaskIdOf } from './subtask-id.ts';

/** Over it a wait is not journaled again, and pins its task: as much would be written for each of thousands, again and again. */
export const MAX_SNAPSHOT_CHARACTERS = 4 * 1024 * 1024;

/** `state`: the fold of everything below `from`. Null where it is too large. */
export const snapshotDraftOf = (
  record: KafkaRecord,
  from: number,
  state: ExecutionState,
  parent?: TaskParent,
): EventDraft | null => {
  const { topic, partition, offset, timestamp, key, value, headers } = record;
  const subtasks = state.subtasks.map(({ step, call }) => ({ step, name: call.name }));
  const place: SnapshotPlace = {
    ...{ from, order: state.order },
    ...(parent ? { parent } : {}),
    ...(subtasks.length > 0 ? { subtasks } : {}),
  };
  const content: SnapshotContent = {
    task: {
      timestamp,
      key: textOf(key),
      value: textOf(value),
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, bytes]) => [name, textOf(bytes) ?? '']),
      ),
    },
    state: { ...state, costs: [...state.costs] },
  };
  const output = JSON.stringify(content);
  if (output.length > MAX_SNAPSHOT_CHARACTERS) return null;
  const input = JSON.stringify(place);
  const task = { topic, partition, offset };
  return { type: 'checkpoint', name: SNAPSHOT, step: state.step, task, input, output };
};

const INITIAL_FIELDS: readonly (readonly [string, unknown])[] = Object.entries(INITIAL_STATE);

/** Null may become anything. */
const isOfKind = (initial: unknown, said: unknown): boolean =>
  initial === null ||
  (said !== null && typeof said === typeof initial && Array.isArray(said) === Array.isArray(initial));

/**
 * The state that was journaled; null for every other event, and where a field is of another kind than at the beginning: the journal can be
 * written by anyone who reaches Kafka. Fields that came later are as at the beginning.
 */
export const snapshotStateOf = ({ output }: Pick<AgentEvent, 'output'>): ExecutionState | null => {
  const stated = parseSnapshotContent(output)?.state as Partial<ExecutionState> | undefined;
  const costs = parseCosts(stated?.costs);
  if (!stated?.order || !costs) return null;
  const state: ExecutionState = { ...INITIAL_STATE, ...stated, costs };
  const said = state as unknown as Readonly<Record<string, unknown>>;
  return INITIAL_FIELDS.every(([name, initial]) => isOfKind(initial, said[name])) ? state : null;
};

/** What a snapshot's event says by itself, where its content is lost: who held it, and what it has handed over. Enough to end it. */
export const lostStateOf = (event: AgentEvent): ExecutionState => {
  const { order, subtasks = [] } = snapshotPlaceOf(event) ?? {};
  return {
    ...INITIAL_STATE,
    ...(order ? { order } : {}),
    subtasks: (Array.isArray(subtasks) ? subtasks : []).filter(isSubtask).map(({ step, name }) => ({
      taskId: subtaskIdOf(event.executionId, step),
      step,
      call: { id: '', name, arguments: null },
    })),
  };
};

/** The journal can be written by anyone who reaches Kafka. */
const isSubtask = (item: unknown): item is SnapshotSubtask => {
  const { step, name } = (item ?? {}) as Partial<SnapshotSubtask>;
  return Number.isInteger(step) && typeof name === 'string';
};

/** The task's record, as it came; null for every other event. */
export const snapshotRecordOf = (event: Pick<AgentEvent, 'task' | 'output'>): KafkaRecord | null => {
  const content = parseSnapshotContent(event.output);
  if (!content || !event.task) return null;
  const { timestamp, key, value, headers } = content.task;
  return {
    ...event.task,
    timestamp,
    key: bytesOf(key),
    value: bytesOf(value),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, text]) => [name, Buffer.from(text, 'base64')]),
    ),
  };
};

const textOf = (bytes: Buffer | null): string | null => (bytes ? bytes.toString('base64') : null);

const bytesOf = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, 'base64'));
