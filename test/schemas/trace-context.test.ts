import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isSampled,
  parseTraceparent,
  spanIdOf,
  traceIdOf,
  traceparentOf,
} from '../../schemas/trace-context.ts';

const hex = (digits: number) =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: digits, maxLength: digits })
    .map((all) => all.map((digit) => digit.toString(16)).join(''))
    .filter((text) => /[^0]/.test(text));
const contexts = fc.record({ traceId: hex(32), spanId: hex(16), sampled: fc.boolean() });

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(contexts, (context) => {
      expect(parseTraceparent(traceparentOf(context))).toEqual(context);
    }),
  );
});

test('whatever else comes is none, and no error', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 400 }), (text) => {
      expect(parseTraceparent(text)).toBeNull();
    }),
  );
});

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test.each([
  ['nothing', undefined],
  ['a version that is forbidden', `ff-${TRACE}-${SPAN}-01`],
  ['more than its version has', `00-${TRACE}-${SPAN}-01-more`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['a flag too short', `00-${TRACE}-${SPAN}-1`],
  ['a later version that goes on without a dash', `cc-${TRACE}-${SPAN}-01more`],
  ['more than a header holds', `cc-${TRACE}-${SPAN}-01-${'m'.repeat(300)}`],
])('%s is none', (_, text) => {
  expect(parseTraceparent(text)).toBeNull();
});

test('a later version is read as far as this one knows it; of the flags, the one that says sampled', () => {
  expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes`)).toEqual({
    ...{ traceId: TRACE, spanId: SPAN, sampled: true },
  });
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-02`)?.sampled).toBe(false);
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-03`)?.sampled).toBe(true);
});

test('ids follow from names alone, and are ids', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      const context = { traceId: traceIdOf(one), spanId: spanIdOf(one), sampled: true };
      expect(parseTraceparent(traceparentOf(context))).toEqual(context);
      expect(traceIdOf(one) === traceIdOf(other)).toBe(one === other);
    }),
  );
});

test('a ratio samples its share, and a higher one whatever a lower one samples', () => {
  fc.assert(
    fc.property(hex(32), fc.double({ min: 0, max: 1, noNaN: true }), (traceId, ratio) => {
      expect(isSampled(traceId, 0)).toBe(false);
      expect(isSampled(traceId, 1)).toBe(true);
      if (isSampled(traceId, ratio / 2)) expect(isSampled(traceId, ratio)).toBe(true);
    }),
  );
  const sampled = Array.from({ length: 4_000 }, (_, at) => traceIdOf(`execution-${at}`)).filter((id) =>
    isSampled(id, 0.25),
  );
  expect(sampled.length).toBeGreaterThan(850);
  expect(sampled.length).toBeLessThan(1_150);
});
