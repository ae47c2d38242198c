import { expect, test } from 'vitest';
import type { SourceReport } from '../../cli/commands/source-report.ts';
import {
  FAILS_MS,
  givenUp,
  type SourceWait,
  STANDS_STILL_MS,
  waitAfter,
} from '../../cli/commands/source-wait.ts';

const report = (records: number, changed: Partial<SourceReport> = {}): SourceReport => ({
  ...{ source: 'shop', kind: 'postgres', state: 'streaming', reason: null, epoch: 1, connector: 'running' },
  ...{ retainedWalBytes: null, lag: { records, seconds: 1 } },
  tables: [{ table: 'public.a', state: 'snapshotting', reason: null, since: 'then' }],
  ...changed,
});
const HOUR = 3_600_000;
/** Of reports a minute apart: when it was given up, in minutes, and why. */
const wait = (reports: number, at: (minute: number) => SourceReport | undefined) => {
  let waited: SourceWait | undefined;
  for (let minute = 0; minute < reports; minute += 1) {
    waited = waitAfter(waited, at(minute), minute * 60_000);
    const why = givenUp(waited, minute * 60_000);
    if (why) return { minute, why };
  }
  return undefined;
};

test('a reading of hours is waited for as long as what is read, or left to index, moves', () => {
  expect(wait((5 * HOUR) / 60_000, (minute) => report(minute % 2 ? 900 : 100))).toBeUndefined();
  expect(wait((5 * HOUR) / 60_000, (minute) => report(1_000_000 - minute * 3_000))).toBeUndefined();
  // Less than that a minute adds up.
  expect(wait((5 * HOUR) / 60_000, (minute) => report(10_000 - minute * 20))).toBeUndefined();
});

test('one that stands still is given up, whatever else flows a little', () => {
  const still = { minute: STANDS_STILL_MS / 60_000 + 1, why: 'nothing moved for 15 min' };
  expect(wait(100, (minute) => report(minute % 3))).toEqual(still);
  // No pipeline role looks at it, or the gateway knows of none.
  expect(wait(100, () => undefined)).toEqual(still);
  expect(wait(100, () => report(0, { lag: null }))).toEqual(still);
});

test('a source that fails is given up soon, however its reason changes; one that recovers is not', () => {
  const failed = (minute: number) => report(0, { state: 'failed', reason: `try ${minute}` });
  expect(wait(100, failed)).toEqual({ minute: FAILS_MS / 60_000 + 1, why: 'the source fails for 2 min' });
  const between = (minute: number) => (minute % 3 === 2 ? report(0) : failed(minute));
  expect(wait(15, between)).toBeUndefined();
  expect(wait(100, between)).toMatchObject({ why: 'nothing moved for 15 min' });
  const reading = (minute: number) => report(100_000 - minute * 200);
  expect(wait(100, (minute) => ({ ...between(minute), lag: reading(minute).lag }))).toBeUndefined();
});
