/** One span, as the parts of Freshet make it: plain, and finished. */

export type SpanKind = 'internal' | 'client' | 'server' | 'producer' | 'consumer';

export type SpanAttribute = string | number | boolean | readonly string[];

export interface Span {
  readonly name: string;
  readonly kind: SpanKind;
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Null: the root of its trace. */
  readonly parentSpanId: string | null;
  /** Microseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** By the names of semantic-conventions.ts. Ids are allowed here; what was asked or answered is not. */
  readonly attributes: Readonly<Record<string, SpanAttribute>>;
  /** Of a closed list; null where nothing failed. */
  readonly failure: string | null;
}

/** Takes a span and returns at once, whatever becomes of it. */
export type RecordSpan = (span: Span) => void;
