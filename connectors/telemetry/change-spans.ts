/**
 * The way of one change from its commit to where a search finds it, as a trace of its own: one span for the whole, and one for each
 * stage of its timing (schemas/avro/timing.avsc). Pure. The trace follows from document and version, so it is found by them.
 */
import type { Timing } from '../../schemas/records.ts';
import { isSampled, spanIdOf, traceIdOf } from '../../schemas/trace-context.ts';
import { OWN } from './semantic-conventions.ts';
import type { Span } from './span.ts';

type Stage = readonly [name: string, end: (timing: Timing) => number];

/** In order: each begins where the one before it ends. */
const STAGES: readonly Stage[] = [
  ['capture', ({ capturedAt }) => capturedAt],
  ['into Kafka', ({ inKafkaAt }) => inKafkaAt],
  ['gate', ({ gatedAt }) => gatedAt],
  ['embed', ({ embeddedAt }) => embeddedAt],
  ['append', ({ appendedAt }) => appendedAt],
  ['read by the index', ({ appliedAt }) => appliedAt],
  ['make searchable', ({ searchableAt }) => searchableAt],
];

export const changeTraceIdOf = (documentId: string, version: string): string =>
  traceIdOf(`change ${documentId}@${version}`);

/** None for a change that is not among those that are sampled. Times are by our clock, as far as the source's is known to be apart. */
export const spansOfTiming = (timing: Timing, ratio: number): readonly Span[] => {
  const { documentId, version, source, table } = timing;
  const traceId = changeTraceIdOf(documentId, version);
  if (ratio === 0 || !isSampled(traceId, ratio)) return [];
  const common = { traceId, kind: 'internal', failure: null } as const;
  const root = spanIdOf(`${traceId} ${timing.index}`);
  const committedAt = timing.committedAt - timing.clockOffsetMicros;
  let begun = committedAt;
  const stages = STAGES.map(([name, end]): Span => {
    const startedAt = begun;
    // Clocks and their resolutions differ: a stage that seems to end before it began took no time.
    begun = Math.max(startedAt, end(timing));
    return {
      ...common,
      name,
      ...{ spanId: spanIdOf(`${root} ${name}`), parentSpanId: root, startedAt, endedAt: begun },
      attributes: {},
    };
  });
  return [
    {
      ...common,
      name: `change ${source}.${table}`,
      ...{ spanId: root, parentSpanId: null, startedAt: committedAt, endedAt: begun },
      attributes: {
        [OWN.source]: source,
        [OWN.table]: table,
        [OWN.documentId]: documentId,
        [OWN.documentVersion]: version,
        [OWN.documentKind]: timing.kind,
        [OWN.changeOutcome]: timing.outcome,
        [OWN.index]: timing.index,
      },
    },
    ...stages,
  ];
};
