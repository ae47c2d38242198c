/**
 * Spans to a collector, by OTLP over HTTP, in batches from within the process. Whoever records a span never waits: the queue has a
 * limit, what is over it is dropped and counted, and so is a batch that the collector did not take. The one file that names
 * OpenTelemetry's libraries.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type HrTime, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { toError } from '../../schemas/errors.ts';
import { CONVENTIONAL } from './semantic-conventions.ts';
import type { RecordSpan, Span } from './span.ts';

export interface SpanExporterSettings {
  /** Of the collector's traces, such as http://127.0.0.1:4318/v1/traces. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `freshet.<role>`. */
  readonly service: string;
  /** Names this copy of the role. */
  readonly instance: string;
  readonly onCounted: (outcome: 'exported' | 'dropped', spans: number) => void;
  /** Told once, when the collector stops taking spans, and not again before it has taken some. */
  readonly onTrouble: (error: Error) => void;
  /** Spans that wait at most; default 8,192. */
  readonly maxQueue?: number;
  /** Between two exports, milliseconds; default 1,000. */
  readonly everyMs?: number;
  /** An export with its repetitions, milliseconds; default 5,000. */
  readonly timeoutMs?: number;
}

export interface SpanExporter {
  readonly record: RecordSpan;
  /** Time that making requests of spans took, in this thread, milliseconds. */
  busyMs(): number;
  /** Sends what waits, within a time; what is left then is dropped and counted. */
  close(withinMs?: number): Promise<void>;
}

type OtlpSpan = Parameters<OTLPTraceExporter['export']>[0][number];

const MAX_QUEUE = 8_192;
const MAX_BATCH = 512;
const EVERY_MS = 1_000;
const TIMEOUT_MS = 5_000;
const CLOSE_WITHIN_MS = 2_000;
const MICROS = 1_000_000;
/** ExportResultCode of OpenTelemetry's core. */
const SUCCESS = 0;

const KINDS = {
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const satisfies Record<Span['kind'], SpanKind>;

export const openSpanExporter = (settings: SpanExporterSettings): SpanExporter => {
  const { onCounted, maxQueue = MAX_QUEUE, everyMs = EVERY_MS } = settings;
  const exporter = new OTLPTraceExporter({
    url: settings.url,
    ...(settings.headers ? { headers: { ...settings.headers } } : {}),
    timeoutMillis: settings.timeoutMs ?? TIMEOUT_MS,
    // One at a time is sent; one may not be settled yet inside when the next begins.
    concurrencyLimit: 2,
  });
  const resource = resourceFromAttributes({
    [CONVENTIONAL.serviceName]: settings.service,
    [CONVENTIONAL.serviceNamespace]: 'freshet',
    [CONVENTIONAL.serviceInstance]: settings.instance,
  });
  const readable = readableOf(resource);
  let queue: Span[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let troubled = false;
  let closed = false;
  let busy = 0;

  const exportBatch = (batch: readonly Span[]): Promise<Error | null> =>
    new Promise((resolve) => {
      const began = performance.now();
      try {
        exporter.export(batch.map(readable), ({ code, error }) =>
          resolve(code === SUCCESS ? null : (error ?? new Error('the collector did not take the spans'))),
        );
      } catch (thrown) {
        resolve(toError(thrown));
      }
      busy += performance.now() - began;
    });

  /** Full batches as long as there are any; what is left goes with the next, at the latest when its time has come. */
  const sendAll = async (): Promise<void> => {
    do {
      const batch = queue.slice(0, MAX_BATCH);
      queue = queue.slice(MAX_BATCH);
      const error = await exportBatch(batch);
      onCounted(error ? 'dropped' : 'exported', batch.length);
      if (error && !troubled) settings.onTrouble(error);
      troubled = error !== null;
    } while (queue.length >= (closed ? 1 : MAX_BATCH));
  };

  const send = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    sending ??= (queue.length === 0 ? Promise.resolve() : sendAll()).finally(() => {
      sending = undefined;
      if (queue.length > 0) sendLater();
    });
    return sending;
  };

  const sendLater = (): void => {
    timer ??= setTimeout(send, queue.length >= MAX_BATCH ? 0 : everyMs).unref();
  };

  return {
    record: (span) => {
      if (closed || queue.length >= maxQueue) return onCounted('dropped', 1);
      queue.push(span);
      if (sending) return;
      // A full batch goes soon, but not within the caller's turn.
      if (queue.length === MAX_BATCH) {
        clearTimeout(timer);
        timer = undefined;
      }
      sendLater();
    },
    busyMs: () => busy,
    close: async (withinMs = CLOSE_WITHIN_MS) => {
      closed = true;
      const overdue = new AbortController();
      await Promise.race([
        send(),
        sleep(withinMs, undefined, { signal: overdue.signal }).catch(() => undefined),
      ]);
      overdue.abort();
      if (queue.length > 0) onCounted('dropped', queue.length);
      queue = [];
    },
  };
};

const timeOf = (micros: number): HrTime => [Math.floor(micros / MICROS), (micros % MICROS) * 1_000];

const readableOf =
  (resource: OtlpSpan['resource']) =>
  (span: Span): OtlpSpan => {
    const contextOf = (spanId: string): SpanContext => ({
      ...{ traceId: span.traceId, spanId, traceFlags: TraceFlags.SAMPLED },
    });
    const own = contextOf(span.spanId);
    const { failure, attributes } = span;
    return {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => own,
      ...(span.parentSpanId === null ? {} : { parentSpanContext: contextOf(span.parentSpanId) }),
      startTime: timeOf(span.startedAt),
      endTime: timeOf(span.endedAt),
      duration: timeOf(span.endedAt - span.startedAt),
      ended: true,
      status: { code: failure === null ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
      attributes: (failure === null
        ? attributes
        : { ...attributes, [CONVENTIONAL.errorType]: failure }) as OtlpSpan['attributes'],
      links: [],
      events: [],
      resource,
      instrumentationScope: { name: 'freshet' },
      ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
    };
  };
