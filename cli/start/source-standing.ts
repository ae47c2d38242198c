/** How the first read of one's own tables stands, from what GET /v1/sources says. Pure. */
import type { SourceReport } from '../commands/source-report.ts';

type Standing = Pick<SourceReport, 'source' | 'state' | 'reason'> & {
  readonly tables: readonly Pick<SourceReport['tables'][number], 'table' | 'state' | 'reason'>[];
};

/** States that a source may not leave by itself, or not soon. */
const STOPPED: Readonly<Record<string, string>> = { failed: 'failed', lost: 'is lost', paused: 'is paused' };

/** What keeps sources or tables from being read, and why. A reason may come in other words at the next look. */
export const sourceTroubles = (sources: readonly Standing[]): ReadonlyMap<string, string> =>
  new Map(
    sources.flatMap(({ source, state, reason, tables }) => [
      ...(STOPPED[state] ? [[`${source} ${STOPPED[state]}`, reason ?? 'it says no reason'] as const] : []),
      ...tables
        .filter((each) => each.state === 'paused')
        .map((each) => [`${source}: ${each.table} is paused`, each.reason ?? 'it says no reason'] as const),
    ]),
  );

/** Whether the first snapshot of each is through and indexed, of however few rows. */
export const isRead = (sources: readonly Standing[]): boolean =>
  sources.length > 0 && sources.every(({ state }) => state === 'streaming');

/** Whether none is being read any more: each is, or is one of the troubles. */
export const isSettled = (sources: readonly Standing[]): boolean =>
  sources.length > 0 && sources.every(({ state }) => state === 'streaming' || state in STOPPED);
