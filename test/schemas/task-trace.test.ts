import { expect, test } from 'vitest';
import {
  handOverContextOf,
  stepContextOf,
  taskTraceOf,
  taskTraceparentOf,
} from '../../schemas/task-trace.ts';
import { parseTraceparent, traceparentOf } from '../../schemas/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const GIVEN = `00-${TRACE}-${SPAN}-01`;

test('a task with a trace is in it, below whoever sent it', () => {
  const trace = taskTraceOf(GIVEN, 'execution-1', 0);
  expect(trace).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, sampled: true });
  expect(parseTraceparent(trace.traceparent)).toEqual({
    ...{ traceId: TRACE, spanId: trace.executionSpanId, sampled: true },
  });
});

test("the sender's word on sampling holds, whatever the ratio", () => {
  expect(taskTraceOf(`00-${TRACE}-${SPAN}-00`, 'execution-1', 1).sampled).toBe(false);
});

test.each([undefined, '', 'nonsense', `00-${TRACE}-${SPAN}`])(
  'without one (%s), every worker of the execution comes to the same root',
  (header) => {
    const one = taskTraceOf(header, 'execution-1', 1);
    expect(one.parentSpanId).toBeNull();
    expect(one).toEqual(taskTraceOf(undefined, 'execution-1', 1));
    expect(one.traceId).not.toBe(taskTraceOf(header, 'execution-2', 1).traceId);
  },
);

test('a task that is sent on without a trace is its own root, as if it had come without a header', () => {
  for (const ratio of [0, 1]) {
    const header = taskTraceparentOf('nonsense', 'execution-1', ratio);
    expect(taskTraceOf(header, 'execution-1', 1 - ratio)).toEqual(
      taskTraceOf(undefined, 'execution-1', ratio),
    );
  }
  expect(taskTraceparentOf(GIVEN, 'execution-1', 0)).toBe(GIVEN);
});

test('a step is another span under another claim; the handing over of a sub-task is not, and is the parent of its task', () => {
  const trace = taskTraceOf(GIVEN, 'execution-1', 1);
  const spans = [
    stepContextOf(trace, 'execution-1', 1, 2),
    stepContextOf(trace, 'execution-1', 2, 2),
    stepContextOf(trace, 'execution-1', 1, 3),
    handOverContextOf(trace, 'execution-1:2'),
  ];
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  const [handedOver] = spans.slice(-1);
  const child = taskTraceOf(handedOver && traceparentOf(handedOver), 'execution-of-the-sub-task', 0);
  expect(child).toMatchObject({ traceId: TRACE, parentSpanId: handedOver?.spanId, sampled: true });
});
