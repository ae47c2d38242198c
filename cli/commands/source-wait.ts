/** How long a command waits for a source: as long as what it reports moves. Pure. */
import { duration } from '../output.ts';
import type { SourceReport } from './source-report.ts';

export const STANDS_STILL_MS = 15 * 60_000;
export const FAILS_MS = 2 * 60_000;
/** Probe rows and a change now and then come all the time: it takes more records than these to be a reading that goes on. */
const MOVED_RECORDS = 100;

export interface SourceWait {
  /** States and reasons of its tables. */
  readonly shown: string;
  readonly behind: number;
  readonly movedAt: number;
  /** Since when the source has failed without a break. */
  readonly failedAt: number | null;
}

/** What is known after a report at a time in milliseconds. */
export const waitAfter = (
  before: SourceWait | undefined,
  report: SourceReport | undefined,
  at: number,
): SourceWait => {
  // Where the source and its connector stand changes with each restart of what fails: that is no progress.
  const shown = JSON.stringify(report?.tables);
  const behind = report?.lag?.records ?? before?.behind ?? 0;
  const moved = !before || before.shown !== shown || Math.abs(behind - before.behind) > MOVED_RECORDS;
  return {
    shown,
    behind: moved ? behind : before.behind,
    movedAt: moved ? at : before.movedAt,
    failedAt: report?.state === 'failed' ? (before?.failedAt ?? at) : null,
  };
};

/** Why it is waited for no more; null as long as it is. */
export const givenUp = ({ movedAt, failedAt }: SourceWait, at: number): string | null => {
  if (failedAt !== null && at - failedAt > FAILS_MS) return `the source fails for ${duration(FAILS_MS)}`;
  return at - movedAt > STANDS_STILL_MS ? `nothing moved for ${duration(STANDS_STILL_MS)}` : null;
};
