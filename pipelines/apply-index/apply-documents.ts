/**
 * Batches of partitions into the index: rows first, then the switch that makes every document's update visible whole
 * in one transaction, then the rows nothing points to any more. A crash between any two leaves nothing half visible
 * and nothing behind: what is not yet visible is on the stale list from before it is written.
 */
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import type { KeywordIndex } from '../../connectors/keyword-index/keyword-index.ts';
import type { RowPlace, VectorIndex } from '../../connectors/vector-index/vector-index.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import { applyFloors } from '../apply-floors.ts';
import {
  type FoldedDocuments,
  foldDocuments,
  type HeldDocuments,
  type LoggedDocument,
} from '../fold-documents.ts';
import { changeRows } from './index-rows.ts';
import { keywordRows } from './keyword-rows.ts';

/** A table and the vector index that stands beside it: one state of the view, replaced as a whole by a rebuild. */
export interface IndexGeneration {
  readonly table: DocumentTable;
  readonly index: VectorIndex;
  /** Of the one that serves: words beside vectors, made anew at every start. */
  readonly keywords?: KeywordIndex;
}

/** Records of one partition that were not applied yet, in order. */
export interface PartitionBatch {
  readonly partition: number;
  /** The next offset to read behind them. */
  readonly position: number;
  readonly records: readonly LoggedDocument[];
}

/** Records of a round that is over in two milliseconds: turns would only make what it shows later. */
const IN_ONE_PIECE = 4;
const goOn = async (): Promise<void> => undefined;

/**
 * Batches of different partitions. Errors are the engines': `disk-full`, `index-unavailable`. Doing it again after one is safe.
 * Between two writes of a round that is not small the event loop has its turn: a search waits for one of them, not for all.
 */
export const applyDocuments = async (
  generation: IndexGeneration,
  batches: readonly PartitionBatch[],
): Promise<readonly FoldedDocuments[]> => {
  const { table, index, keywords } = generation;
  const views: HeldDocuments[] = [];
  /** Of floors: out of the table, some hundreds of documents a turn; out of the engine in bulk, each call of which may be a round trip. */
  const condemned: RowPlace[] = [];
  for (const { partition, records } of batches)
    views.push(
      await applyFloors(table, partition, records, async (write, held) => {
        const staleRows = held.flatMap(({ record }) => changeRows(partition, record, undefined).stale);
        table.write({ ...write, staleRows });
        // One by one: a push of many arguments has a limit.
        for (const row of staleRows) condemned.push(row);
        if (condemned.length >= ROWS_AT_ONCE) await removeRows(generation, condemned.splice(0));
      }),
    );
  await removeRows(generation, condemned);
  const planned = batches.map(({ partition, position, records }, at) => {
    const folded = foldDocuments(views[at] ?? table, partition, records);
    const held = (id: string) => table.get(partition, id)?.record;
    const changes = [
      ...folded.documents.map(({ record }) => changeRows(partition, held(record.documentId), record)),
      ...folded.removed.map((id) => changeRows(partition, held(id), undefined)),
    ];
    return {
      ...{ partition, position, folded },
      added: changes.flatMap((change) => change.added),
      visible: changes.flatMap((change) => change.visible),
      stale: changes.flatMap((change) => change.stale),
    };
  });
  const pause = batches.reduce((sum, { records }) => sum + records.length, 0) > IN_ONE_PIECE ? turn : goOn;
  await pause();
  const added = planned.flatMap((each) => each.added);
  if (added.length > 0) {
    table.write(
      ...planned.map(({ partition, added: rows }) => ({
        partition,
        position: table.position(partition) ?? 0,
        staleRows: rows.map(({ id, tenant }) => ({ id, tenant })),
      })),
    );
    // Handed over before the switch, so that whoever sees the update finds it by its words too.
    if (keywords) {
      const ids = new Set(added.map((row) => row.id));
      const documents = planned.flatMap(({ folded }) => folded.documents);
      await keywords.add(documents.flatMap(({ record }) => keywordRows(record, (id) => ids.has(id))));
    }
    await pause();
    await index.upsert(added);
    await pause();
  }
  table.write(
    ...planned.map(({ partition, position, folded, visible, stale }) => ({
      ...{ partition, position, rows: visible, staleRows: stale },
      documents: folded.documents,
      floors: folded.floors,
      removed: folded.removed,
    })),
  );
  await pause();
  const stale = planned.flatMap((each) => each.stale);
  await removeRows(generation, stale);
  return planned.map(({ folded }) => folded);
};

/** Taken out of an engine in one call. */
const ROWS_AT_ONCE = 10_000;

const firstOf = function* <T>(items: Iterable<T>, most: number): Iterable<T> {
  let given = 0;
  for (const item of items) {
    if (given >= most) return;
    given += 1;
    yield item;
  }
};

/** Takes rows out of the vector index that no document points to, and that a crash, or a table that began anew, left: it may be millions. */
export const removeStale = async (generation: IndexGeneration): Promise<void> => {
  for (;;) {
    const stale = [...firstOf(generation.table.staleRows(), ROWS_AT_ONCE)];
    await removeRows(generation, stale);
    if (stale.length < ROWS_AT_ONCE) return;
    await turn();
  }
};

const removeRows = async (
  { table, index, keywords }: IndexGeneration,
  stale: readonly RowPlace[],
): Promise<void> => {
  if (stale.length === 0) return;
  const ids = stale.map(({ id }) => id);
  keywords?.remove(stale);
  await index.remove(stale);
  table.forgetStaleRows(ids);
};

/**
 * Applies batches again and again: a call that failed may have left rows behind that the next one knows nothing of, when it
 * failed behind the switch. The first that passes takes them out; so does one by which the last of the partitions that began anew
 * (`begunAnew`) has read on to where its log ended: until then rows that are still to come again stand among the stale. One call at a time.
 */
export const createApply = (
  generation: () => IndexGeneration,
  begunAnew: Map<number, number> = new Map(),
): ((batches: readonly PartitionBatch[]) => Promise<readonly FoldedDocuments[]>) => {
  let leftBehind = false;
  return async (batches) => {
    try {
      const folded = await applyDocuments(generation(), batches);
      for (const [partition, end] of begunAnew) {
        if ((generation().table.position(partition) ?? 0) < end) continue;
        begunAnew.delete(partition);
        leftBehind = true;
      }
      if (leftBehind && begunAnew.size === 0) {
        await removeStale(generation());
        leftBehind = false;
      }
      return folded;
    } catch (error) {
      leftBehind = true;
      throw error;
    }
  };
};
