/** Whether watermarks satisfy what a retrieval asks for: tables that are held back by themselves. */
import { expect, test } from 'vitest';
import { behindOf, type FreshnessAsked, staleError } from '../../../pipelines/apply-index/fresh-enough.ts';
import { type SourceWatermark, UNTRACKED, type Watermark } from '../../../schemas/search.ts';

const at = (position: string | null, reason: string | null = null): Watermark => ({
  state: position === null ? 'unknown' : 'known',
  ...{ reason, epoch: 1, position, committedAt: null },
  stalenessMs: position === null ? null : 5,
});
const source = (position: string, heldTables: SourceWatermark['heldTables'] = {}): SourceWatermark => ({
  ...UNTRACKED,
  ...at(position),
  heldTables,
});
const after = (position: string, rest: Omit<FreshnessAsked, 'freshness'> = {}): FreshnessAsked => ({
  freshness: { after: { source: 'shop', position } },
  ...rest,
});

const PAUSED = 'paused: a column is gone';
const watermarks = {
  shop: source('0/50', { 'public.a': at('0/20', PAUSED), 'freshet.probe_shop': at('0/10') }),
  crm: source('0/50', { 'public.c': at(null, 'paused') }),
};

test('a position is not covered while a table that could be searched is paused before it, and the answer names the table', () => {
  const behind = behindOf(watermarks, after('0/30'));
  expect(behind).toMatchObject({
    ...{ source: 'shop', table: 'public.a', position: '0/20', wantedPosition: '0/30', bytes: 16 },
    reason: PAUSED,
  });
  if (!behind) throw new Error('it is covered');
  const { code, message } = staleError(behind, 0);
  expect(code).toBe('stale');
  expect(message).toContain(
    `the table public.a of shop up to 0/20, not yet 0/30, 16 bytes of its log behind (${PAUSED})`,
  );
  // One whose own watermark is unknown covers nothing.
  const unknown = { shop: source('0/50', { 'public.a': at(null, PAUSED) }) };
  expect(behindOf(unknown, after('0/1'))).toMatchObject({ table: 'public.a', state: 'unknown' });
});

test('it is covered where the table was paused behind the position, or the filter leaves the table out', () => {
  expect(behindOf(watermarks, after('0/20'))).toBeNull();
  for (const filter of [{ table: 'public.b' }, { source: 'crm' }, { source: 'shop', table: 'public.b' }])
    expect(behindOf(watermarks, after('0/30', { filter }))).toBeNull();
  expect(behindOf(watermarks, after('0/30', { memoriesOf: 'support' }))).toBeNull();
  for (const filter of [{ table: 'public.a' }, { source: 'shop' }, { kind: 'x' }])
    expect(behindOf(watermarks, after('0/30', { filter }))).toMatchObject({ table: 'public.a' });
});

test('a paused table of another source, and that of probes, hold back nothing', () => {
  const others = { ...watermarks, shop: source('0/50', { 'freshet.probe_shop': at('0/10') }) };
  expect(behindOf(others, after('0/30'))).toBeNull();
  expect(behindOf(others, after('0/60'))).toMatchObject({ table: null, position: '0/50' });
});
