/** Spans of what the data plane's roles tell: a result that was written, a search that the index answered, or could not. Pure. */
import {
  CONVENTIONAL,
  OPERATIONS,
  OWN,
  recordAttributes,
} from '../../connectors/telemetry/semantic-conventions.ts';
import type { Span } from '../../connectors/telemetry/span.ts';
import type { SearchAnswered, SearchFailed } from '../../pipelines/apply-index/index-role.ts';
import type { ResultSent } from '../../pipelines/project-executions/project-executions.ts';
import { parseTraceparent, spanIdOf } from '../../schemas/trace-context.ts';

/** Null outside of a sampled trace. Under the execution, by the same id however often it is written. */
export const spanOfResult = (event: ResultSent): Span | null => {
  const parent = parseTraceparent(event.traceparent);
  if (!parent?.sampled) return null;
  return {
    ...{ name: `send ${event.topic}`, kind: 'producer', traceId: parent.traceId },
    ...{ spanId: spanIdOf(`${event.executionId} result`), parentSpanId: parent.spanId },
    ...{ startedAt: event.begunAt, endedAt: event.endedAt, failure: null },
    attributes: {
      ...recordAttributes('send', event),
      [CONVENTIONAL.messageId]: event.taskId,
      [OWN.taskId]: event.taskId,
      [OWN.executionId]: event.executionId,
    },
  };
};

/** `unique`: tells apart the searches of one parent. A failed one has the code of its failure. */
export const spanOfSearch = (event: SearchAnswered | SearchFailed, unique: string): Span | null => {
  const parent = parseTraceparent(event.traceparent);
  if (!parent?.sampled) return null;
  const { begunAt, micros } = event;
  return {
    ...{ name: 'search', kind: 'server', traceId: parent.traceId },
    ...{ spanId: spanIdOf(`${parent.spanId} search ${unique}`), parentSpanId: parent.spanId },
    ...{ startedAt: begunAt, endedAt: begunAt + micros },
    failure: event.type === 'search' ? null : event.code,
    attributes: {
      [CONVENTIONAL.operation]: OPERATIONS.retrieval,
      ...(event.type === 'search' ? answerOf(event) : { [OWN.index]: event.index }),
    },
  };
};

const answerOf = ({ receipt, topK, hits }: SearchAnswered): Span['attributes'] => ({
  [OWN.index]: receipt.index,
  [OWN.topK]: topK,
  [OWN.chunks]: hits,
  ...(receipt.stalenessMs === null ? {} : { [OWN.stalenessMs]: receipt.stalenessMs }),
  ...(receipt.fresh === null ? {} : { [OWN.fresh]: receipt.fresh }),
});
