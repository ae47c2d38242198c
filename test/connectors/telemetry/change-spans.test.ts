import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changeTraceIdOf, spansOfTiming } from '../../../connectors/telemetry/change-spans.ts';
import type { Timing } from '../../../schemas/records.ts';

const AT = 1_700_000_000_000_000;
const timing: Timing = {
  ...{ documentId: 'shop/public.articles/7', source: 'shop', table: 'public.articles', version: '1-2' },
  ...{ kind: 'document', outcome: 'applied', index: 'index-1' },
  ...{ committedAt: AT, capturedAt: AT + 10, inKafkaAt: AT + 20, gatedAt: AT + 35, embeddedAt: AT + 60 },
  ...{
    appendedAt: AT + 70,
    appliedAt: AT + 90,
    searchableAt: AT + 100,
    clockOffsetMicros: 0,
    basis: 'commit',
  },
};

test('one span for the whole way, and below it each stage from where the one before it ends', () => {
  const [root, ...stages] = spansOfTiming(timing, 1);
  expect(root).toMatchObject({
    ...{ name: 'change shop.public.articles', parentSpanId: null, startedAt: AT, endedAt: AT + 100 },
    attributes: { 'freshet.document.id': 'shop/public.articles/7', 'freshet.change.outcome': 'applied' },
  });
  expect(stages.map(({ name, startedAt, endedAt }) => [name, startedAt - AT, endedAt - AT])).toEqual([
    ['capture', 0, 10],
    ['into Kafka', 10, 20],
    ['gate', 20, 35],
    ['embed', 35, 60],
    ['append', 60, 70],
    ['read by the index', 70, 90],
    ['make searchable', 90, 100],
  ]);
  for (const stage of stages) expect(stage.parentSpanId).toBe(root?.spanId);
  expect(new Set([root, ...stages].map((span) => span?.spanId)).size).toBe(8);
  expect(new Set([root, ...stages].map((span) => span?.traceId))).toEqual(
    new Set([changeTraceIdOf(timing.documentId, timing.version)]),
  );
});

test("begins by our clock, where the source's is apart", () => {
  const ahead = { ...timing, committedAt: AT + 5_000_000, clockOffsetMicros: 5_000_000 };
  expect(spansOfTiming(ahead, 1)[0]).toMatchObject({ startedAt: AT, endedAt: AT + 100 });
});

test('whatever clocks say, no stage ends before it begins, and all lie within the whole', () => {
  const time = fc.integer({ min: AT - 1_000_000, max: AT + 1_000_000 });
  const times = fc.record({
    ...{ committedAt: time, capturedAt: time, inKafkaAt: time, gatedAt: time, embeddedAt: time },
    ...{ appendedAt: time, appliedAt: time, searchableAt: time },
    clockOffsetMicros: fc.integer({ min: -1_000_000, max: 1_000_000 }),
  });
  fc.assert(
    fc.property(times, (of) => {
      const [root, ...stages] = spansOfTiming({ ...timing, ...of }, 1);
      let end = root?.startedAt ?? 0;
      for (const stage of stages) {
        expect(stage.startedAt).toBe(end);
        expect(stage.endedAt).toBeGreaterThanOrEqual(stage.startedAt);
        end = stage.endedAt;
      }
      expect(root?.endedAt).toBe(end);
    }),
  );
});

test('of many changes the ratio that is asked for', () => {
  const sampled = Array.from({ length: 2_000 }, (_, at) =>
    spansOfTiming({ ...timing, documentId: `shop/public.articles/${at}` }, 0.1),
  ).filter((spans) => spans.length > 0);
  expect(sampled.length).toBeGreaterThan(130);
  expect(sampled.length).toBeLessThan(280);
  expect(spansOfTiming(timing, 0)).toEqual([]);
});
