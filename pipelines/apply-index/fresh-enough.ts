/** Whether watermarks satisfy what a retrieval asks for, and what is said where they do not. Pure. */

import { FreshetError } from '../../schemas/errors.ts';
import { ownField } from '../../schemas/own-field.ts';
import { isProbeTable } from '../../schemas/probe.ts';
import {
  type FreshnessRequest,
  MAX_FRESHNESS_WAIT_MS,
  type SearchRequest,
  type SourceWatermark,
  UNTRACKED,
  type Watermark,
} from '../../schemas/search.ts';
import { bytesBetween, comparePositions, positionOrder } from '../../schemas/source-position.ts';

type Watermarks = Readonly<Record<string, SourceWatermark>>;

/** What of a request says how fresh the index must be, and of what. */
export type FreshnessAsked = Pick<SearchRequest, 'freshness' | 'filter' | 'memoriesOf'>;

/** How far the index is behind what was asked for; the body of the error `stale`. */
export interface Behind {
  readonly source: string;
  /** Null: the source as a whole. */
  readonly table: string | null;
  readonly state: Watermark['state'];
  readonly reason: string | null;
  readonly wantedPosition: string | null;
  readonly position: string | null;
  /** Bytes of the source's log between the two, where that can be said. */
  readonly bytes: number | null;
  readonly maxStalenessMs: number | null;
  readonly stalenessMs: number | null;
}

/** Throws `request-invalid` naming what is wrong. `sources`: those there are; undefined where that is not known. */
export const checkFreshness = (
  { maxStalenessMs, after, waitMs }: FreshnessRequest,
  sources: readonly string[] | undefined,
): void => {
  const invalid = (message: string): never => {
    throw new FreshetError('request-invalid', message);
  };
  if (maxStalenessMs !== undefined && !(maxStalenessMs >= 0))
    invalid('freshness.maxStalenessMs must be 0 or more');
  if (waitMs !== undefined && !(waitMs >= 0 && waitMs <= MAX_FRESHNESS_WAIT_MS))
    invalid(`freshness.waitMs must be from 0 to ${MAX_FRESHNESS_WAIT_MS}`);
  if (after === undefined) return;
  if (positionOrder(after.position) === undefined)
    invalid(
      'freshness.after.position must be an LSN (select pg_current_wal_lsn()) or a binlog position such as bin.000007:4711',
    );
  if (sources && !sources.includes(after.source))
    invalid(`freshness.after.source: there is no source ${after.source}; there are: ${sources.join(', ')}`);
};

interface Part {
  readonly source: string;
  readonly table: string | null;
  readonly watermark: Watermark;
}

/** What a search is answered from: the sources it may find, and a held table where the filter names it. */
export const partsOf = (watermarks: Watermarks, filter: SearchRequest['filter'] = {}): readonly Part[] =>
  Object.entries(watermarks)
    .filter(([source]) => filter.source === undefined || filter.source === source)
    .map(([source, watermark]) => {
      const held = filter.table === undefined ? undefined : ownField(watermark.heldTables, filter.table);
      return held && filter.table !== undefined
        ? { source, table: filter.table, watermark: held }
        : { source, table: null, watermark };
    });

const isCovered = (watermark: Watermark, position: string): boolean =>
  watermark.position !== null && (comparePositions(watermark.position, position) ?? -1) >= 0;

/**
 * A held table of the source that rows may be searched of and whose own watermark lies before a position: a row of it that was
 * written before would be missing without a word. None where the filter leaves it out.
 */
const heldBefore = (
  watermarks: Watermarks,
  { source, position }: { readonly source: string; readonly position: string },
  { filter, memoriesOf }: FreshnessAsked,
): Part | undefined => {
  const searched = filter?.table === undefined && (filter?.source ?? source) === source;
  if (!searched || memoriesOf !== undefined) return undefined;
  return Object.entries(ownField(watermarks, source)?.heldTables ?? {})
    .map(([table, watermark]) => ({ source, table, watermark }))
    .find(({ table, watermark }) => !isProbeTable(table) && !isCovered(watermark, position));
};

/** What keeps a retrieval from being fresh enough; null where nothing does. */
export const behindOf = (watermarks: Watermarks, asked: FreshnessAsked): Behind | null => {
  const { freshness, filter } = asked;
  if (!freshness) return null;
  const { after, maxStalenessMs } = freshness;
  const behind = ({ source, table, watermark }: Part): Behind => ({
    source,
    table,
    state: watermark.state,
    reason: watermark.reason,
    wantedPosition: after?.source === source ? after.position : null,
    position: watermark.position,
    bytes:
      after?.source === source && watermark.position !== null
        ? (bytesBetween(watermark.position, after.position) ?? null)
        : null,
    maxStalenessMs: maxStalenessMs ?? null,
    stalenessMs: watermark.stalenessMs,
  });
  const parts = partsOf(watermarks, filter);
  if (after) {
    const { source, position } = after;
    // A filter by another source does not make the write that was asked for less wanted.
    const part = parts.find((each) => each.source === source) ?? partsOf(watermarks, { source })[0];
    const watermark = part?.watermark ?? UNTRACKED;
    if (!isCovered(watermark, position)) return behind(part ?? { source, table: null, watermark });
    const held = heldBefore(watermarks, after, asked);
    if (held) return behind(held);
  }
  if (maxStalenessMs === undefined) return null;
  if (parts.length === 0) return behind({ source: filter?.source ?? '', table: null, watermark: UNTRACKED });
  const late = parts.find(
    ({ watermark }) => watermark.stalenessMs === null || watermark.stalenessMs > maxStalenessMs,
  );
  return late ? behind(late) : null;
};

/** The typed outcome of a retrieval that could not be fresh enough in time. */
export const staleError = (behind: Behind, waitedMs: number): FreshetError => {
  const { source, table, state, reason, wantedPosition, position, bytes, stalenessMs, maxStalenessMs } =
    behind;
  const what = table === null ? `the source ${source}` : `the table ${table} of ${source}`;
  const said =
    state === 'unknown'
      ? `how far it covers ${what} is not known (${reason ?? 'unknown'})`
      : wantedPosition !== null
        ? `it covers ${what} up to ${position}, not yet ${wantedPosition}${bytes === null ? '' : `, ${bytes} bytes of its log behind`}${reason === null ? '' : ` (${reason})`}`
        : `it is ${Math.round(stalenessMs ?? 0)} ms behind ${what}, ${maxStalenessMs} ms are allowed`;
  return new FreshetError(
    'stale',
    `the index is not as fresh as asked for after ${Math.round(waitedMs)} ms: ${said}; wait longer, or see: npx freshet freshness status`,
    { details: { behind, waitedMs: Math.round(waitedMs) } },
  );
};
