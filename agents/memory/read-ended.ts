/** The executions that ended in a stretch of the journal. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import {
  type PayloadField,
  type PayloadReader,
  withPayloads,
} from '../../connectors/payloads/payload-reader.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type EndedExecution, foldEnded } from './remembered-turn.ts';

export interface EndedSource {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly payloads?: Pick<PayloadReader, 'whole'>;
  /** Whose an execution is that names none. */
  readonly localTenant: string;
}

export interface EndedRange {
  readonly partition: number;
  /** First offset, and one past the last; to the end where left out. */
  readonly from: number;
  readonly to?: number;
}

/**
 * Calls `onEnded` in the order of the journal, one at a time. What began before `from` is not told of. A record that cannot
 * be read, or whose payload is gone, is passed over. Returns how many records were read. Errors: `kafka-unavailable`, and what `onEnded` throws.
 */
export const readEnded = (
  source: EndedSource,
  range: EndedRange,
  onEnded: (ended: EndedExecution) => Promise<void> | void,
): Promise<number> => withPayloads(source, ({ whole }) => readWith(source, range, onEnded, whole));

/** Passed over: it can never be read. */
const GONE: ReadonlySet<string> = new Set(['record-unreadable', 'payload-lost']);
/** What a turn is made of; what a tool returned is none of it. */
const TOLD: Partial<Readonly<Record<AgentEvent['type'], readonly PayloadField[]>>> = {
  'user-input': ['input'],
  'tool-call': ['input'],
  response: ['output'],
};

const readWith = async (
  { kafka, codec, localTenant }: EndedSource,
  { partition, from, to }: EndedRange,
  onEnded: (ended: EndedExecution) => Promise<void> | void,
  whole: PayloadReader['whole'],
): Promise<number> => {
  const topic = TOPICS.agentEvents.name;
  const fold = foldEnded(localTenant);
  let records = 0;
  await scanTopic(
    kafka,
    {
      topic,
      partitions: [partition],
      from: new Map([[partition, from]]),
      ...(to === undefined ? {} : { to: new Map([[partition, to]]) }),
    },
    async ({ value, offset }) => {
      records += 1;
      try {
        const decoded = await codec.decode('AgentEvent', value);
        const event = await whole(decoded, TOLD[decoded.type] ?? []);
        const ended = fold.take(event, { topic, partition, offset });
        if (ended) await onEnded(ended);
      } catch (error) {
        const isGone = error instanceof FreshetError && GONE.has(error.code);
        if (!isGone) throw error;
      }
    },
  );
  return records;
};
