/** The events of an execution as the steps a person reads: what went in, what came out, what was cited, what it cost, and where each event stands. Pure. */

import { isSearchResponse } from '../../agents/runtime/retrieved-passages.ts';
import { APPROVAL_ASKED } from '../../schemas/approval-request.ts';
import { DELEGATED, TOOL_PRICE } from '../../schemas/execution-costs.ts';
import { NOT_MADE, RETRIEVE } from '../../schemas/execution-payloads.ts';
import { jsonOrText } from '../../schemas/json-or-text.ts';
import type { PayloadReference } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { JournaledEvent } from '../read-models/execution-entry.ts';
import { isoTime } from './times.ts';

export interface CitedChunk {
  readonly documentId: string;
  readonly chunk: number;
  readonly version: string;
  readonly title: string | null;
  readonly text: string | null;
  readonly score: number | null;
  /** Milliseconds since this version was committed, when it was retrieved. */
  readonly ageMs: number | null;
  /** Why a gate refused what the row became since, `gate: reason`; null where it did not. */
  readonly stale: string | null;
  /** `gate: reason` of what a gate saw in it and let pass. */
  readonly flags: readonly string[];
}

/** An input or output of which the journal holds a glance; the whole is asked for by its hash. */
export interface PayloadShown {
  readonly hash: string;
  readonly bytes: number;
}

export interface TimelineEvent {
  readonly type: string;
  /** topic:partition:offset. */
  readonly position: string;
  readonly at: string | null;
  readonly epoch: number;
  readonly worker: string;
  /** False: of a worker that was believed dead; only its costs count. */
  readonly counts: boolean;
}

export const STEP_KINDS = [
  'retrieve',
  'recall',
  'model',
  'plan',
  'tool',
  'delegate',
  'approval',
  'respond',
] as const;
export type StepKind = (typeof STEP_KINDS)[number];

export interface TimelineStep {
  readonly step: number;
  readonly kind: StepKind;
  readonly name: string | null;
  readonly state: 'running' | 'done' | 'failed';
  /** A glance of it, where it stands elsewhere. */
  readonly input: unknown;
  readonly output: unknown;
  readonly inputPayload: PayloadShown | null;
  readonly outputPayload: PayloadShown | null;
  readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean } | null;
  /** Failed attempts of the same call directly before this one. */
  readonly retries: number;
  readonly cited: readonly CitedChunk[];
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  readonly reservedUsd: string | null;
  readonly costUsd: string | null;
  readonly startedAt: string | null;
  readonly durationMs: number;
  readonly idempotencyKey: string | null;
  readonly events: readonly TimelineEvent[];
}

export interface Timeline {
  /** Before the first step: the input, the terms and the claims. */
  readonly opening: readonly TimelineEvent[];
  readonly steps: readonly TimelineStep[];
  /** Events that do not count. */
  readonly stale: readonly TimelineEvent[];
}

export const positionOf = (partition: number, offset: number): string =>
  `${TOPICS.agentEvents.name}:${partition}:${offset}`;

const placed = ({ event, partition, offset, counts }: JournaledEvent): TimelineEvent => ({
  type: event.type,
  position: positionOf(partition, offset),
  at: isoTime(event.at),
  epoch: event.epoch,
  worker: event.worker,
  counts,
});

/** What belongs to no step; of checkpoints, all but those that a decision led to, a person answered, or a call came to. */
const OPENING = new Set(['user-input', 'request', 'claim']);
const STEPPED_CHECKPOINTS = new Set(['plan', APPROVAL_ASKED, 'approval-given', NOT_MADE]);

const isOpening = ({ type, name }: JournaledEvent['event']): boolean =>
  OPENING.has(type) || (type === 'checkpoint' && !STEPPED_CHECKPOINTS.has(name ?? ''));

export const timelineOf = (events: readonly JournaledEvent[]): Timeline => {
  const steps = new Map<number, JournaledEvent[]>();
  for (const each of events) {
    if (!each.counts || isOpening(each.event)) continue;
    steps.set(each.event.step, [...(steps.get(each.event.step) ?? []), each]);
  }
  const timeline: TimelineStep[] = [];
  for (const [step, list] of [...steps].sort(([a], [b]) => a - b)) {
    const next = stepOf(step, list);
    const before = timeline.at(-1);
    const repeats = before?.state === 'failed' && before.kind === next.kind && before.name === next.name;
    timeline.push({ ...next, retries: repeats ? before.retries + 1 : 0 });
  }
  return {
    opening: events.filter((each) => each.counts && isOpening(each.event)).map(placed),
    steps: timeline,
    stale: events.filter((each) => !each.counts).map(placed),
  };
};

const kindOf = (events: readonly JournaledEvent[]): TimelineStep['kind'] => {
  if (events.some(({ event }) => event.type === 'response')) return 'respond';
  if (events.some(({ event }) => event.priceTable === DELEGATED)) return 'delegate';
  if (events.some(({ event }) => event.priceTable === TOOL_PRICE)) return 'tool';
  if (events.some(({ event }) => event.type === 'llm-response' || event.reservedUsd !== null)) return 'model';
  if (events.some(({ event }) => event.name === APPROVAL_ASKED)) return 'approval';
  if (events.some(({ event }) => event.type === 'checkpoint' && event.name === 'plan')) return 'plan';
  if (events.some(({ event }) => event.type === 'memory-update')) return 'recall';
  if (events.some(({ event }) => event.name === RETRIEVE)) return 'retrieve';
  return 'tool';
};

const stepOf = (step: number, list: readonly JournaledEvent[]): Omit<TimelineStep, 'retries'> => {
  const events = list.map(({ event }) => event);
  const kind = kindOf(list);
  // Until a person has said something, an approval is still to come.
  const outcome = events.findLast((event) => event.type !== 'intent' && event.name !== APPROVAL_ASKED);
  const first = events[0];
  const asked = events.find((event) => event.input !== null || event.inputPayload !== null);
  const input = jsonOrText(asked?.input ?? asked?.inputPayload?.glance ?? null);
  const output = jsonOrText(outcome?.output ?? outcome?.outputPayload?.glance ?? null);
  const error = outcome?.error ?? null;
  const failed = kind === 'respond' ? false : error !== null;
  const at = first?.at ?? 0;
  return {
    step,
    kind,
    name: events.find((event) => event.name !== null)?.name ?? null,
    state: outcome ? (failed ? 'failed' : 'done') : 'running',
    input,
    output,
    inputPayload: payloadShown(asked?.inputPayload),
    outputPayload: payloadShown(outcome?.outputPayload),
    error: error && { code: error.code, message: error.message, retryable: error.retryable },
    cited: kind === 'respond' ? citedIn(output) : isSearchResponse(output) ? output.hits.map(chunkOf) : [],
    usage: outcome?.usage
      ? { inputTokens: outcome.usage.inputTokens, outputTokens: outcome.usage.outputTokens }
      : null,
    reservedUsd: events.find((event) => event.reservedUsd !== null)?.reservedUsd ?? null,
    costUsd: kind === 'respond' ? null : (outcome?.costUsd ?? null),
    startedAt: isoTime(at),
    durationMs: (outcome?.durationMicros ?? 0) / 1_000,
    idempotencyKey: events.find((event) => event.idempotencyKey !== null)?.idempotencyKey ?? null,
    events: list.map(placed),
  };
};

const payloadShown = (reference: PayloadReference | null | undefined): PayloadShown | null =>
  reference ? { hash: reference.hash, bytes: reference.bytes } : null;

/** The citations of a terminal output: what the answer rests on. */
const citedIn = (output: unknown): readonly CitedChunk[] => {
  const answer = (output as { readonly output?: { readonly citations?: unknown } } | null)?.output;
  return Array.isArray(answer?.citations) ? answer.citations.map(chunkOf) : [];
};

const chunkOf = (value: unknown): CitedChunk => {
  const chunk = (typeof value === 'object' && value !== null ? value : {}) as Readonly<
    Record<string, unknown>
  >;
  const textOf = (field: string): string | null =>
    typeof chunk[field] === 'string' ? (chunk[field] as string) : null;
  const numberOf = (field: string): number | null =>
    typeof chunk[field] === 'number' ? (chunk[field] as number) : null;
  return {
    documentId: textOf('documentId') ?? '',
    chunk: numberOf('chunk') ?? 0,
    version: textOf('version') ?? '',
    title: textOf('title'),
    text: textOf('text'),
    score: numberOf('score'),
    ageMs: numberOf('ageMs'),
    stale: staleReasonOf(chunk.stale),
    flags: Array.isArray(chunk.flags) ? chunk.flags.filter((flag) => typeof flag === 'string') : [],
  };
};

const staleReasonOf = (stale: unknown): string | null => {
  const { reason } = (stale ?? {}) as { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : null;
};
