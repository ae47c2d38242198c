/** What the strip says of the pipeline: what is not known is never told as nothing. */
import { expect, test } from 'vitest';
import { size } from '../../../cli/output.ts';

interface Figure {
  readonly value: string;
  readonly note: string;
  readonly tone?: string;
}

const load = (name: string) =>
  import(new URL(`../../../gateway/dashboard/${name}`, import.meta.url).href) as Promise<unknown>;
const { lagOf, comparedOf, keptLog } = (await load('pipeline-figures.js')) as {
  readonly lagOf: (lags: readonly { topic: string; lag: number | null }[]) => Figure;
  readonly comparedOf: (comparisons: readonly object[], isHeard: boolean) => Figure;
  readonly keptLog: (bytes: number | null) => string;
};
const { began } = (await load('format.js')) as { readonly began: (iso: string, now: number) => string };

const shop = { topic: 'cdc.shop', lag: 0 };
const erp = { topic: 'cdc.erp', lag: null };

test('a lag is known where every part of it is', () => {
  expect(lagOf([shop])).toMatchObject({ value: '0', note: 'up to date' });
  expect(lagOf([shop, { ...erp, lag: 1_200 }])).toMatchObject({ value: '1,200', note: 'records behind' });
  expect(lagOf([shop, erp])).toEqual({
    value: 'unknown',
    note: 'nothing committed yet of cdc.erp',
    tone: 'warn',
  });
  expect(lagOf([erp])).toMatchObject({ value: '–', note: 'nothing committed yet' });
  expect(lagOf([])).toMatchObject({ value: 'unknown', tone: 'warn' });
});

test('no comparison of a silent pipeline role is not one that was not made', () => {
  expect(comparedOf([], true)).toMatchObject({ value: '–' });
  expect(comparedOf([], false)).toMatchObject({ value: 'unknown', tone: 'warn' });
  const made = { rows: 5, divergent: 0, unsettled: 0, index: 'a', at: new Date().toISOString() };
  expect(comparedOf([made], true)).toEqual({
    value: 'alike',
    note: '5 rows of a table of a, as of the last comparison just now',
    tone: 'good',
  });
  expect(comparedOf([made, { ...made, divergent: 2 }], true)).toMatchObject({
    value: '2 differ',
    tone: 'bad',
  });
  expect(comparedOf([made, { ...made, unsettled: 1 }], true).value).toBe('1 could not be told');
  expect(comparedOf([{ ...made, rows: 0 }], true).value).toBe('no rows');
});

test('sizes go up to GB, on the page and in commands', () => {
  for (const [bytes, said] of [
    [120_000, '120 KB'],
    [999_999, '1.0 MB'],
    [5_000_000, '5.0 MB'],
    [999_999_999, '1.0 GB'],
    [40_000_000_000, '40.0 GB'],
  ] as const)
    expect([keptLog(bytes), size(bytes)]).toEqual([`, ${said} of its log kept`, said]);
  expect(keptLog(null)).toBe('');
});

test('an alert of the day before does not read as one of today', () => {
  const at = Date.parse('2026-01-03T14:03:02Z');
  expect(began('2026-01-01T14:03:02Z', at)).toBe('began 2 days ago');
});
