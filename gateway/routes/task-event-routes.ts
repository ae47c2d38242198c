/** The event stream of a task: its state, text and tool calls as they come, and its result. */
import { z } from 'zod';
import { TOPICS } from '../../schemas/topics.ts';
import { findTask } from '../find-task.ts';
import type { GatewayContext } from '../gateway-context.ts';
import type { EventStream } from '../http/event-stream.ts';
import { ofTenant, taskId } from '../http/fields.ts';
import { route } from '../http/route.ts';
import type { ExecutionEntry } from '../read-models/execution-entry.ts';
import type { PlacedChunk } from '../read-models/recent-chunks.ts';
import { taskViewOf } from '../views/execution-view.ts';
import { isoTime } from '../views/times.ts';

const LAST_EVENT_ID = /^freshet\.task-stream:(\d{1,6}):(\d{1,15})$/;
/** How long the last chunks may come after the result: they are of another topic. */
const LAST_CHUNKS_WITHIN_MS = 2_000;

/** Null where it is none of ours: the stream begins from the start. */
export const parseLastEventId = (
  id: string | undefined,
): { readonly partition: number; readonly offset: number } | null => {
  const [, partition, offset] = LAST_EVENT_ID.exec(id ?? '') ?? [];
  return partition === undefined || offset === undefined
    ? null
    : { partition: Number(partition), offset: Number(offset) };
};

const chunkEvent = ({ partition, offset, chunk }: PlacedChunk) => ({
  event: chunk.kind,
  id: `${TOPICS.taskStream.name}:${partition}:${offset}`,
  data: {
    step: chunk.step,
    index: chunk.index,
    epoch: chunk.epoch,
    text: chunk.text,
    at: isoTime(chunk.at),
  },
});

export const taskEventRoutes = (context: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/tasks/{taskId}/events',
    tag: 'tasks',
    summary:
      'Server-sent events: `task` (its state, whenever it changes), `text`, `tool-call` and `state` chunks as they come, `result` at the end',
    params: z.object({ taskId }),
    query: z.strictObject(ofTenant),
    headers: {
      'Last-Event-ID': 'topic:partition:offset of the last chunk that arrived; those after it follow.',
    },
    answers: [
      {
        status: 200,
        description: 'The data of a chunk.',
        contentType: 'text/event-stream',
        schema: z.object({
          step: z.number(),
          index: z.number(),
          epoch: z.number().describe('A step told again under a higher epoch replaces what was told before.'),
          text: z.string(),
          at: z.string().nullable(),
        }),
      },
    ],
    errors: ['not-found', 'too-many-requests', 'kafka-unavailable'],
    handle: async (request, reply) => {
      const after = parseLastEventId(request.headers['last-event-id']);
      const entry = await findTask(context, request.params.taskId, request);
      const earlier = await missingChunks(context, entry, after);
      stream(context, entry, earlier, after, context.streams.open(reply));
      return undefined;
    },
  }),
];

/** What has to be fetched from Kafka, as the memory does not reach back so far. */
const missingChunks = async (
  { models, findOlder }: GatewayContext,
  entry: ExecutionEntry,
  after: { readonly partition: number; readonly offset: number } | null,
): Promise<readonly PlacedChunk[]> => {
  const [first] = models.chunks.of(entry.taskId) ?? [];
  if (first ? isHeldFrom(first, after) : !entry.result && !after) return [];
  return findOlder.chunks(entry.taskId, after);
};

/** True where nothing of the task can be missing before the first chunk that is held. */
const isHeldFrom = (
  { partition, offset, chunk }: PlacedChunk,
  after: { readonly partition: number; readonly offset: number } | null,
): boolean =>
  after
    ? after.partition === partition && after.offset >= offset
    : chunk.epoch === 1 && chunk.step === 0 && chunk.index === 0;

const stream = (
  { models, reader, settings }: GatewayContext,
  entry: ExecutionEntry,
  earlier: readonly PlacedChunk[],
  after: { readonly partition: number; readonly offset: number } | null,
  events: EventStream,
): void => {
  const { taskId } = entry;
  const sent = new Map<number, number>(after ? [[after.partition, after.offset]] : []);
  let state: string | undefined;
  let ending = false;

  /** True once for each. */
  const isNew = ({ partition, offset }: PlacedChunk): boolean => {
    if (offset <= (sent.get(partition) ?? -1)) return false;
    sent.set(partition, offset);
    return true;
  };
  const sendChunk = (placed: PlacedChunk): void => {
    if (isNew(placed)) events.send(chunkEvent(placed));
  };
  const sendState = (now: ExecutionEntry): void => {
    if (now.state === state) return;
    state = now.state;
    events.send({ event: 'task', data: { state, updatedAt: isoTime(now.updatedAt) } });
  };
  const finish = async (now: ExecutionEntry): Promise<void> => {
    if (ending) return;
    ending = true;
    const topic = TOPICS.taskStream.name;
    const ends = await settings.kafka.admin
      .offsets(topic)
      .then((list) => new Map(list.map((each) => [each.partition, each.latest])))
      .catch(() => new Map<number, number>());
    await reader.reached(topic, ends, LAST_CHUNKS_WITHIN_MS);
    sendState(now);
    events.send({ event: 'result', data: taskViewOf(now) });
    events.end();
  };

  const stops = [
    models.chunks.onChunk(taskId, sendChunk),
    models.executions.onChange((now) => {
      if (now.taskId !== taskId) return;
      if (now.result) void finish(now);
      else sendState(now);
    }),
  ];
  events.closed.addEventListener('abort', () => {
    for (const stop of stops) stop();
  });
  const now = models.executions.task(taskId) ?? entry;
  sendState(now.result ? { ...now, state: 'processing' } : now);
  events.replay([...earlier, ...(models.chunks.of(taskId) ?? [])].filter(isNew).map(chunkEvent));
  if (now.result) void finish(now);
};
