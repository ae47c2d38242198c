/**
 * What a client watches while a task runs: text and tool calls as they come, on freshet.task-stream. Best effort: no
 * step ever waits for it, and it is thinned out before it fills memory.
 */

import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { ModelChunk } from '../../connectors/models/language/language-model.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import type { TaskChunk } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';

export interface TaskChunks {
  /** For one step; texts that come within a moment go together. */
  onModelChunk(step: number): (chunk: ModelChunk) => void;
  state(step: number, state: string): void;
  /** Sends what waits. */
  flush(): void;
}

const FLUSH_MS = 25;
const FLUSH_CHARACTERS = 512;
const MAX_PENDING_RECORDS = 20_000;

export const openTaskChunks = (
  settings: { readonly codec: RecordCodec; readonly writer: RecordWriter; readonly clock: Clock },
  of: Pick<TaskChunk, 'taskId' | 'executionId' | 'epoch' | 'tenant'>,
): TaskChunks => {
  let waiting = '';
  let waitingStep = 0;
  let timer: NodeJS.Timeout | undefined;
  const indexes = new Map<number, number>();

  const send = (step: number, kind: TaskChunk['kind'], text: string): void => {
    if (settings.writer.pending() > MAX_PENDING_RECORDS) return;
    const index = indexes.get(step) ?? 0;
    indexes.set(step, index + 1);
    const chunk: TaskChunk = { ...of, step, index, kind, text, at: settings.clock() };
    const value = settings.codec.encode('TaskChunk', chunk);
    settings.writer
      .append([{ topic: TOPICS.taskStream.name, key: of.taskId, value, headers: headersOf(chunk) }])
      // A chunk that is lost is in the journal's reply all the same.
      .catch(() => undefined);
  };

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const text = waiting;
    waiting = '';
    if (text !== '') send(waitingStep, 'text', text);
  };

  return {
    flush,
    state: (step, state) => {
      flush();
      send(step, 'state', state);
    },
    onModelChunk: (step) => (chunk) => {
      if (chunk.type === 'tool-call') {
        flush();
        send(step, 'tool-call', JSON.stringify({ name: chunk.name, arguments: chunk.arguments }));
        return;
      }
      if (step !== waitingStep) flush();
      waitingStep = step;
      waiting += chunk.text;
      if (waiting.length >= FLUSH_CHARACTERS) flush();
      else timer ??= setTimeout(flush, FLUSH_MS);
    },
  };
};

const headersOf = (chunk: TaskChunk): Readonly<Record<string, string>> =>
  cloudEventHeaders({
    id: `${chunk.executionId}:${chunk.epoch}:${chunk.step}:${chunk.index}`,
    type: 'freshet.task-chunk',
    source: 'freshet/agents',
    at: chunk.at,
  });
