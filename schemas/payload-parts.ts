/**
 * Payloads of the journal, cut into records and put together again. A payload is the text of an input or output (JSON) that is too large for
 * its event; it goes by the sha256 of its UTF-8 bytes, and what is put together is held against that. Pure.
 */
import { hash as digest } from 'node:crypto';
import { FreshetError } from './errors.ts';
import type { PayloadReference } from './records.ts';

/** Up to here an input or output stands in its event. */
export const INLINE_BYTES = 64 * 1024;
/** Above it, whatever brings it fails with `request-too-large`. */
export const MAX_PAYLOAD_BYTES = 32 * 1024 * 1024;
/** Of one record: several of them go with one send, and none holds back a partition for long. */
export const PART_BYTES = 1024 * 1024;

/** Null: nothing is too large. */
export const isLarge = (text: string | null): text is string =>
  text !== null &&
  // A character has one to three bytes: most texts are decided without counting.
  text.length * 3 > INLINE_BYTES &&
  (text.length > INLINE_BYTES || Buffer.byteLength(text) > INLINE_BYTES);

export interface PayloadParts {
  readonly hash: string;
  readonly bytes: number;
  readonly parts: readonly Buffer[];
}

/** Errors: `request-too-large`. */
export const splitPayload = (
  text: string,
  maxBytes = MAX_PAYLOAD_BYTES,
  partBytes = PART_BYTES,
): PayloadParts => {
  const whole = Buffer.from(text, 'utf8');
  if (whole.length > maxBytes) throw payloadTooLarge(whole.length, maxBytes);
  const count = Math.max(1, Math.ceil(whole.length / partBytes));
  const parts = Array.from({ length: count }, (_, part) =>
    whole.subarray(part * partBytes, (part + 1) * partBytes),
  );
  return { hash: digest('sha256', whole, 'hex'), bytes: whole.length, parts };
};

export const payloadTooLarge = (bytes: number, maxBytes = MAX_PAYLOAD_BYTES): FreshetError =>
  new FreshetError(
    'request-too-large',
    `${bytes} bytes are over the ${maxBytes} that the journal takes of one input or output: return less, or say where the rest is`,
  );

/** The text of parts in any order. Errors: `payload-lost` (one is missing, or they are not what was written). */
export const joinPayload = (
  { hash, parts }: Pick<PayloadReference, 'hash' | 'parts'>,
  found: ReadonlyMap<number, Buffer>,
): string => {
  const list = Array.from({ length: parts }, (_, part) => found.get(part));
  const there = list.filter((part) => part !== undefined);
  if (there.length < parts)
    throw payloadLost(hash, `${parts - there.length} of its ${parts} parts are not kept any more`);
  const whole = Buffer.concat(there);
  if (digest('sha256', whole, 'hex') !== hash)
    throw payloadLost(hash, 'what stands there is not what was written');
  return whole.toString('utf8');
};

export const payloadLost = (hash: string, why: string): FreshetError =>
  new FreshetError(
    'payload-lost',
    `the payload ${hash.slice(0, 12)}… cannot be read: ${why}; its glance in the journal is all that is left`,
    { details: { hash } },
  );
