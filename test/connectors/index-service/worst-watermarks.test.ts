import fc from 'fast-check';
import { expect, test } from 'vitest';
import { REPLICA_SILENT, worstWatermarks } from '../../../connectors/index-service/worst-watermarks.ts';
import { BEHIND, knownWatermark } from './known-watermark.ts';

const watermark = fc.oneof(
  fc.constant(BEHIND),
  fc.integer({ min: 0, max: 1_000 }).map((ms) => knownWatermark(ms)),
);

test('it claims no more than any one of them does, whatever their order', () => {
  fc.assert(
    fc.property(fc.array(watermark, { minLength: 1, maxLength: 5 }), (all) => {
      const { shop } = worstWatermarks(all.map((each) => ({ shop: each })));
      const unknown = all.some(({ state }) => state === 'unknown');
      expect(shop?.state).toBe(unknown ? 'unknown' : 'known');
      if (!unknown) expect(shop?.stalenessMs).toBe(Math.max(...all.map((each) => each.stalenessMs ?? 0)));
      expect(all).toContainEqual(shop);
    }),
  );
});

test('a table that one of them holds back is held back, and a source that one knows nothing of is unknown', () => {
  const held = { ...knownWatermark(70), reason: 'paused' };
  const worst = worstWatermarks([
    { shop: knownWatermark(5, { 'public.a': { ...held, stalenessMs: 9 } }) },
    { shop: knownWatermark(7, { 'public.a': held }), help: knownWatermark(1) },
  ]);
  expect(worst.shop).toMatchObject({ stalenessMs: 7, heldTables: { 'public.a': { stalenessMs: 70 } } });
  expect(worst.help).toMatchObject({ state: 'unknown', reason: 'not-tracked-yet' });
});

test('an age that is not known is worse than any', () => {
  const ageless = { ...knownWatermark(0), stalenessMs: null };
  for (const all of [
    [ageless, knownWatermark(5)],
    [knownWatermark(5), ageless],
  ])
    expect(worstWatermarks(all.map((each) => ({ shop: each }))).shop?.stalenessMs).toBeNull();
});

test('of one that was never heard nothing is claimed', () => {
  expect(worstWatermarks([{ shop: knownWatermark(5) }, undefined]).shop).toMatchObject({
    state: 'unknown',
    reason: REPLICA_SILENT,
  });
});
