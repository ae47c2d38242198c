/**
 * What a read after a position is told of rows that it will not find. Every refusal behind the position is told, for the row that
 * was written may have been refused again since; of those at or before it the newest, as a position is taken right after the
 * write: what others had refused meanwhile pushes none of them out. Pure.
 */
import type { RefusedStanding } from '../../connectors/document-table/document-table.ts';
import type { RefusedDocument, SearchRequest } from '../../schemas/search.ts';
import { positionOrder } from '../../schemas/source-position.ts';
import { isVersion } from '../../schemas/version.ts';

export interface ToldRefusals {
  /** Newest version first. */
  readonly refused: readonly RefusedDocument[];
  /** There are more, at or before the position or, of a flood, behind it; or there may be, where not all were looked at. */
  readonly more: boolean;
}

export const NONE_REFUSED: ToldRefusals = { refused: [], more: false };

/** Others' tables count too: a search must not read a flood of them to its end. */
const MOST_LOOKED_AT = 5_000;
const MOST_BEHIND = 1_000;
const MOST_BEFORE = 20;

/**
 * Whether a change was certainly written behind a position, by the parts of its version (rule V): of Postgres the commit before it
 * or its own LSN, of MariaDB its place in the binlog. Reads of a snapshot never are.
 */
export const isBehind = (version: string, position: string): boolean => {
  const order = positionOrder(position);
  if (order === undefined || !isVersion(version)) return false;
  const [, first = '', second = ''] = version.split('-');
  const [, ...wanted] = order.split('-');
  return wanted.length === 1
    ? first >= (wanted[0] ?? '') || (!/^0+$/.test(first) && second > (wanted[0] ?? ''))
    : `${first}-${second}` > wanted.join('-');
};

/** `refusals`: as they stand now, newest version first. A filter by a table leaves out the others'. */
export const toldRefusals = (
  refusals: Iterable<RefusedStanding>,
  position: string,
  filter: SearchRequest['filter'] = {},
): ToldRefusals => {
  const refused: RefusedDocument[] = [];
  const left = { behind: MOST_BEHIND, before: MOST_BEFORE };
  let more = false;
  let looked = 0;
  for (const { documentId, table, version, reason } of refusals) {
    if (looked === MOST_LOOKED_AT) {
      more = true;
      break;
    }
    looked += 1;
    if (filter.table !== undefined && filter.table !== table) continue;
    const side = isBehind(version, position) ? 'behind' : 'before';
    left[side] -= 1;
    if (left[side] < 0) more = true;
    else {
      const [gate = '', why = ''] = reason.split(': ');
      refused.push({ documentId, version, gate, reason: why });
    }
    // Whatever stands further down is older still.
    if (left.before < 0) break;
  }
  return { refused, more };
};
