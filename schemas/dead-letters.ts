/** Why a record could not be processed: the closed list that dead letters, their metrics and their redrive go by. */
import type { DeadLetter } from './records.ts';

export const DEAD_LETTER_REASONS = [
  'not-avro',
  'not-json',
  'schema-mismatch',
  'null-key',
  'null-value',
  'unknown-agent',
  'too-large',
  'bad-key',
  'mapping-failed',
  'poison',
  'internal',
] as const;

export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

const MAX_VALUE_BYTES = 256 * 1024;
/** It may quote the record. */
const MAX_MESSAGE_CHARACTERS = 2_000;

/** How a record of Kafka is named: topic:partition:offset. */
export const placeOf = ({ topic, partition, offset }: DeadLetter['origin']): string =>
  `${topic}:${partition}:${offset}`;

const bytesOfHeaders = (headers: Readonly<Record<string, Buffer>>): number =>
  Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0);

/**
 * The dead letter of a record of Kafka, and the key it goes by. What is over 256 KiB of value, key or headers is left where it stands:
 * a letter that passes the limit of its topic would hold up what comes behind the record for ever.
 */
export const deadLetterOf = (
  record: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: Readonly<Record<string, Buffer>>;
  },
  verdict: {
    readonly stage: DeadLetter['stage'];
    readonly reason: DeadLetterReason;
    readonly message: string;
    /** Microseconds since the Unix epoch. */
    readonly at: number;
  },
): { readonly key: string; readonly letter: DeadLetter } => {
  const { topic, partition, offset, key, value, headers } = record;
  const letter: DeadLetter = {
    origin: { topic, partition, offset },
    ...verdict,
    message: verdict.message.slice(0, MAX_MESSAGE_CHARACTERS),
    key: key && key.length <= MAX_VALUE_BYTES ? key : null,
    value: value && value.length <= MAX_VALUE_BYTES ? value : null,
    valueBytes: value?.length ?? 0,
    headers: bytesOfHeaders(headers) <= MAX_VALUE_BYTES ? headers : {},
  };
  return { key: placeOf(record), letter };
};
