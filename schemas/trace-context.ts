/**
 * W3C trace context: what a `traceparent` header says, and ids that follow from names, so that whoever comes to speak of the same thing
 * (a successor after a crash) speaks of the same trace and span. Pure. Source: Trace Context, W3C Recommendation of 2021-11-23, level 1.
 */
import { hash } from 'node:crypto';

export interface TraceContext {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** Whether whoever sent it may have recorded it: decides for everything below it. */
  readonly sampled: boolean;
}

/** The name of the header, in HTTP, in Kafka and in the `_meta` of an MCP call. */
export const TRACEPARENT = 'traceparent';

const FIELDS = /^([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Longer ones are of no version that is known. */
const MAX_CHARACTERS = 256;
const SAMPLED = 1;

/** Null for what is none: a bad header is as good as none, never an error. Later versions are read as far as this one knows them. */
export const parseTraceparent = (text: string | undefined): TraceContext | null => {
  if (text === undefined || text.length > MAX_CHARACTERS) return null;
  const [, version, traceId, spanId, flags, rest] = FIELDS.exec(text) ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined)
    return null;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
};

export const traceparentOf = ({ traceId, spanId, sampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

/** All zeros are not allowed; of a hash they never come. */
export const traceIdOf = (name: string): string => hash('sha256', `trace ${name}`).slice(0, 32);

export const spanIdOf = (name: string): string => hash('sha256', `span ${name}`).slice(0, 16);

/** 52 bits of a trace id: as many as a number holds exactly. */
const RATIO_DIGITS = 13;

/** Whether a trace that nobody decided on is sampled: everybody with the same ratio comes to the same, from the id's last digits. */
export const isSampled = (traceId: string, ratio: number): boolean =>
  Number.parseInt(traceId.slice(-RATIO_DIGITS), 16) < ratio * 16 ** RATIO_DIGITS;
