/** Finds in the journal all events of the execution that an offset belongs to. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { type PayloadReader, withPayloads } from '../../connectors/payloads/payload-reader.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { FreshetError, isUnreadable } from '../../schemas/errors.ts';
import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';

export interface JournalPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

const FIRST_WINDOW = 500;
const TOPIC = TOPICS.agentEvents.name;

/**
 * Events in log order, whole, from the first to the terminal one, or to the log's end while it runs. Errors:
 * `request-invalid` (another topic), `not-found` (no event stands there, or its beginning is past retention),
 * `payload-lost`, `kafka-unavailable`, `registry-unavailable`.
 */
export const readRecordedExecution = async (
  kafka: KafkaClient,
  codec: Pick<RecordCodec, 'decode'>,
  { topic, partition, offset }: JournalPlace,
  payloads?: Pick<PayloadReader, 'whole'>,
): Promise<readonly AgentEvent[]> => {
  if (topic !== TOPIC)
    throw new FreshetError('request-invalid', `executions are replayed from ${TOPIC}, not from ${topic}`);
  const range = (await kafka.admin.offsets(TOPIC)).find((each) => each.partition === partition);
  if (!range || offset < range.earliest || offset >= range.latest)
    throw new FreshetError(
      'not-found',
      `${TOPIC}:${partition}:${offset} does not exist; ${range ? `the partition holds ${range.earliest} to ${range.latest - 1}` : 'nor does its partition'}`,
    );
  const executionId = await executionAt(kafka, codec, partition, offset);
  for (let window = FIRST_WINDOW; ; window *= 8) {
    const from = Math.max(range.earliest, offset - window);
    const events = await eventsFrom(kafka, codec, { partition, from, offset, executionId });
    if (events[0]?.type === 'user-input')
      return withPayloads({ kafka, codec, payloads }, ({ whole }) =>
        Promise.all(events.map((event) => whole(event))),
      );
    if (from === range.earliest)
      throw new FreshetError(
        'not-found',
        `the beginning of ${executionId} is no longer in ${TOPIC}:${partition}`,
      );
  }
};

const executionAt = async (
  kafka: KafkaClient,
  codec: Pick<RecordCodec, 'decode'>,
  partition: number,
  offset: number,
): Promise<string> => {
  const values: (Buffer | null)[] = [];
  const stretch = { from: new Map([[partition, offset]]), to: new Map([[partition, offset + 1]]) };
  await scanTopic(kafka, { topic: TOPIC, partitions: [partition], ...stretch }, ({ value }) => {
    values.push(value);
  });
  const [value] = values;
  if (value === undefined)
    throw new FreshetError('not-found', `no record stands at ${TOPIC}:${partition}:${offset}`);
  return (await codec.decode('AgentEvent', value)).executionId;
};

const KEY_WINDOW = 1_000;

/** What nobody can read is no event of it; what cannot be read now would be missing. */
const unlessReadable = (thrown: unknown): null => {
  if (!isUnreadable(thrown)) throw thrown;
  return null;
};

const eventsFrom = async (
  kafka: KafkaClient,
  codec: Pick<RecordCodec, 'decode'>,
  at: {
    readonly partition: number;
    readonly from: number;
    readonly offset: number;
    readonly executionId: string;
  },
): Promise<readonly AgentEvent[]> => {
  const { partition, executionId } = at;
  const events: AgentEvent[] = [];
  let order: ExecutionOrder = UNCLAIMED;
  let from = at.from;
  const [range] = (await kafka.admin.offsets(TOPIC)).filter((each) => each.partition === partition);
  const latest = range?.latest ?? from;
  // In stretches, as decoding waits and a scan does not: the terminal event ends it.
  for (let size = Math.max(KEY_WINDOW, at.offset - from + KEY_WINDOW); from < latest; size *= 4) {
    const to = Math.min(latest, from + size);
    const values: (Buffer | null)[] = [];
    const stretch = { from: new Map([[partition, from]]), to: new Map([[partition, to]]) };
    await scanTopic(kafka, { topic: TOPIC, partitions: [partition], ...stretch }, ({ key, value }) => {
      // What is others' is not held, however much of it lies between.
      if (executionIdOf(key?.toString('utf8') ?? '') === executionId) values.push(value);
    });
    for (const value of values) {
      const event = await codec.decode('AgentEvent', value).catch(unlessReadable);
      if (event?.executionId !== executionId) continue;
      events.push(event);
      order = advanceOrder(order, event) ?? order;
      if (order.ended) return events;
    }
    from = to;
  }
  return events;
};
