/**
 * Journal events with their inputs and outputs whole again: what stands in freshet.payloads is read by its place, held against its hash
 * and put where it was taken from. Whoever folds the journal for more than money and order reads it through here.
 */
import { type FreshetError, hasCode } from '../../schemas/errors.ts';
import { joinPayload, payloadLost } from '../../schemas/payload-parts.ts';
import type { AgentEvent, PayloadReference } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { KafkaClient } from '../kafka/kafka.ts';
import { openRecordSeeker } from '../kafka/seek-records.ts';
import type { RecordCodec } from '../registry/record-codec.ts';
import { createPayloadCache, type PayloadCache } from './payload-cache.ts';

export type PayloadField = 'input' | 'output';

export interface PayloadReader {
  /** Errors: `payload-lost` (for good: past its retention, or damaged), `kafka-unavailable`, `registry-unavailable` (try again). */
  read(reference: PayloadReference): Promise<string>;
  /** The event with the wanted fields whole, both where left out; the same event where nothing of them is elsewhere. Errors: as above. */
  whole(event: AgentEvent, fields?: readonly PayloadField[]): Promise<AgentEvent>;
  close(): Promise<void>;
}

/** What the functions take that read a stretch of the journal once. */
export interface PayloadSource {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  /** One of their own where left out, opened if it is needed and closed at the end. */
  readonly payloads?: Pick<PayloadReader, 'whole'> | undefined;
}

const TOPIC = TOPICS.payloads.name;
const BOTH: readonly PayloadField[] = ['input', 'output'];

/** False for most events: their readers need not wait. */
export const isElsewhere = (
  { inputPayload, outputPayload }: Pick<AgentEvent, 'inputPayload' | 'outputPayload'>,
  fields: readonly PayloadField[] = BOTH,
): boolean =>
  (inputPayload !== null && fields.includes('input')) ||
  (outputPayload !== null && fields.includes('output'));

/** The event whole; where it is gone for good, as it stands, and why. Errors: of `whole` that may pass. */
export const wholeOrLost = async (
  payloads: Pick<PayloadReader, 'whole'>,
  event: AgentEvent,
  fields?: readonly PayloadField[],
): Promise<{ readonly event: AgentEvent; readonly lost: FreshetError | null }> => {
  try {
    return { event: await payloads.whole(event, fields), lost: null };
  } catch (thrown) {
    if (!hasCode(thrown, 'payload-lost')) throw thrown;
    return { event, lost: thrown };
  }
};

export const withPayloads = async <Of>(
  { kafka, codec, payloads }: PayloadSource,
  use: (payloads: Pick<PayloadReader, 'whole'>) => Promise<Of>,
): Promise<Of> => {
  if (payloads) return use(payloads);
  const own = openPayloadReader(kafka, codec);
  try {
    return await use(own);
  } finally {
    await own.close();
  }
};

/** Opens nothing before the first payload is asked for. */
export const openPayloadReader = (
  kafka: KafkaClient,
  codec: Pick<RecordCodec, 'decode'>,
  cache: PayloadCache = createPayloadCache(),
): PayloadReader => {
  const seeker = openRecordSeeker(kafka, TOPIC);
  const underway = new Map<string, Promise<string>>();

  const fetch = async (reference: PayloadReference): Promise<string> => {
    const { hash, at, lastOffset, parts } = reference;
    const { partition, offset: from } = at;
    const records = await seeker.read({ partition, from, through: lastOffset, key: hash }).catch((thrown) => {
      throw hasCode(thrown, 'not-found') ? payloadLost(hash, thrown.message) : thrown;
    });
    const found = new Map<number, Buffer>();
    for (const { value } of records) {
      const part = await codec.decode('Payload', value).catch((thrown: unknown) => {
        if (hasCode(thrown, 'registry-unavailable')) throw thrown;
        return null;
      });
      if (part) found.set(part.part, part.content);
    }
    const text = joinPayload({ hash, parts }, found);
    cache.keep(hash, text);
    return text;
  };

  const read = async (reference: PayloadReference): Promise<string> => {
    const { hash } = reference;
    const known = cache.find(hash);
    if (known !== undefined) return known;
    const reading = underway.get(hash) ?? fetch(reference).finally(() => underway.delete(hash));
    underway.set(hash, reading);
    return reading;
  };

  return {
    read,
    whole: async (event, fields = BOTH) => {
      if (!isElsewhere(event, fields)) return event;
      const { inputPayload, outputPayload } = event;
      return {
        ...event,
        ...(inputPayload && fields.includes('input')
          ? { input: await read(inputPayload), inputPayload: null }
          : {}),
        ...(outputPayload && fields.includes('output')
          ? { output: await read(outputPayload), outputPayload: null }
          : {}),
      };
    },
    close: seeker.close,
  };
};
