/** What a search says of its age. Pure. */

import { AGENT_SOURCES } from '../../schemas/agent-sources.ts';
import { ownField } from '../../schemas/own-field.ts';
import {
  type Receipt,
  type SearchHit,
  type SearchRequest,
  type SourceWatermark,
  UNTRACKED,
} from '../../schemas/search.ts';
import { partsOf } from './fresh-enough.ts';
import type { ToldRefusals } from './told-refusals.ts';

/** What was known before the index was searched: what is found is at least as new. */
export interface ReceiptBasis {
  readonly index: string;
  /** Id of the embedding model of this index. */
  readonly model: string;
  readonly at: number;
  readonly watermarks: Readonly<Record<string, SourceWatermark>>;
  readonly newestApplied: Receipt['newestApplied'];
  /** Fresh is what is no older than this, where the request says nothing else. */
  readonly targetMs: number;
}

export const receiptOf = (
  basis: ReceiptBasis,
  request: Pick<SearchRequest, 'filter' | 'freshness'>,
  hits: readonly Pick<SearchHit, 'metadata'>[],
  { refused, more }: ToldRefusals,
): Receipt => {
  // The index may hold documents of a source that is no longer configured: an answer that shows one is of unknown age. What an
  // agent wrote is no state of a source: its own age says when it was true.
  const untracked = hits.flatMap(({ metadata: { source } }) =>
    source === undefined || AGENT_SOURCES.has(source) || ownField(basis.watermarks, source)
      ? []
      : [[source, UNTRACKED] as const],
  );
  const watermarks = { ...basis.watermarks, ...Object.fromEntries(untracked) };
  const parts = partsOf(watermarks, request.filter).map((part) => part.watermark.stalenessMs);
  // A held table stands still by itself; an answer that holds a row of it is as old as the table.
  const held = hits.flatMap(({ metadata }) => {
    const { heldTables = {} } = ownField(watermarks, metadata.source ?? '') ?? {};
    const table = ownField(heldTables, metadata.table ?? '');
    return table ? [table.stalenessMs] : [];
  });
  const all = [...parts, ...held];
  const stalenessMs =
    all.length === 0 || all.includes(null) ? null : Math.round(Math.max(...all.map(Number)));
  const { index, model, at, newestApplied, targetMs } = basis;
  return {
    index,
    model,
    at,
    watermarks,
    stalenessMs,
    fresh: stalenessMs === null ? null : stalenessMs <= (request.freshness?.maxStalenessMs ?? targetMs),
    newestApplied,
    ...(request.freshness?.after ? { refused } : {}),
    ...(more ? { moreRefused: true } : {}),
  };
};
