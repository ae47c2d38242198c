/**
 * Puts what is too large for a journal event into freshet.payloads, in the event's own partition, and its reference into the event. Acknowledged
 * before the event is made, so that no reference points at nothing. It sends over a producer of its own: nobody's event
 * waits behind megabytes of another's.
 */
import { LRUCache } from 'lru-cache';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { isEnding } from '../../schemas/execution-payloads.ts';
import { glanceOf } from '../../schemas/glance.ts';
import { isLarge, MAX_PAYLOAD_BYTES, splitPayload } from '../../schemas/payload-parts.ts';
import type { AgentEvent, PayloadReference } from '../../schemas/records.ts';
import { MAX_RECORD_BYTES, TOPICS } from '../../schemas/topics.ts';
import type { KafkaClient } from '../kafka/kafka.ts';
import { openRecordWriter } from '../kafka/record-writer.ts';
import type { RecordCodec } from '../registry/record-codec.ts';
import type { PayloadCache } from './payload-cache.ts';

export interface PayloadWriter {
  /**
   * The event as it goes into a partition of the journal. Errors: `request-too-large`, `append-failed` (nothing of it is journaled: try
   * again), `too-many-requests`.
   */
  setAside(event: AgentEvent, partition: number): Promise<AgentEvent>;
  close(): Promise<void>;
}

export interface PayloadWriterSettings {
  readonly kafka: Pick<KafkaClient, 'openProducer'>;
  readonly codec: Pick<RecordCodec, 'encode'>;
  /** Where readers of the same process find what was written. */
  readonly cache?: Pick<PayloadCache, 'keep'>;
}

const TOPIC = TOPICS.payloads.name;
/** An answer goes into freshet.results as one record, with a little beside it. */
const MAX_ANSWER_BYTES = MAX_RECORD_BYTES - 128 * 1024;
/** The same text again, as an effect's input in its intent and its outcome, is written once; payloads outlive the journal by more than that. */
const SAME_WITHIN_MS = 3_600_000;
const MAX_KNOWN = 5_000;

/** False for most events: they go as they are. */
export const isTooLarge = ({ input, output }: Pick<AgentEvent, 'input' | 'output'>): boolean =>
  isLarge(input) || isLarge(output);

/** Opens no producer before the first payload is written. */
export const openPayloadWriter = ({ kafka, codec, cache }: PayloadWriterSettings): PayloadWriter => {
  const writer = openRecordWriter(kafka);
  const known = new LRUCache<string, PayloadReference>({ max: MAX_KNOWN, ttl: SAME_WITHIN_MS });

  const place = async (text: string, event: AgentEvent, partition: number): Promise<PayloadReference> => {
    const { type, executionId, tenant, at } = event;
    const { hash, bytes, parts } = splitPayload(
      text,
      type === 'response' || isEnding(event) ? MAX_ANSWER_BYTES : MAX_PAYLOAD_BYTES,
    );
    const same = `${partition} ${tenant ?? ''} ${hash}`;
    const written = known.get(same);
    if (written) return written;
    const headers = cloudEventHeaders({ id: hash, type: 'freshet.payload', source: 'freshet/agents', at });
    const places = await writer.append(
      parts.map((content, part) => ({
        ...{ topic: TOPIC, partition, key: hash, headers },
        value: codec.encode('Payload', {
          hash,
          bytes,
          part,
          parts: parts.length,
          executionId,
          tenant,
          content,
        }),
      })),
    );
    const offsets = places.map(({ offset }) => offset);
    if (offsets.some(Number.isNaN))
      throw new FreshetError('append-failed', `Kafka did not say where it keeps the payload ${hash}`);
    const reference: PayloadReference = {
      ...{ hash, bytes, parts: parts.length },
      at: { topic: TOPIC, partition, offset: Math.min(...offsets) },
      lastOffset: Math.max(...offsets),
      glance: glanceOf(text),
    };
    known.set(same, reference);
    cache?.keep(hash, text);
    return reference;
  };

  return {
    setAside: async (event, partition) => {
      const { input, output } = event;
      return {
        ...event,
        ...(isLarge(input) ? { input: null, inputPayload: await place(input, event, partition) } : {}),
        ...(isLarge(output) ? { output: null, outputPayload: await place(output, event, partition) } : {}),
      };
    },
    close: writer.close,
  };
};
