/**
 * Compares a table with the index while both keep moving. A page of rows is read and compared at once; what differs is
 * looked at again until it can be told from a change in flight: the row is read, then the place in the source's log, the
 * index is waited for until it covers that place, asked, and the row is read once more. Only where the row was the same
 * before and after does a difference count.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HeldDocument, IndexService } from '../../connectors/index-service/index-service.ts';
import type { RowScanner, ScannedRow } from '../../connectors/sources/row-scanner.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import { hasCode } from '../../schemas/errors.ts';
import { makeVersion } from '../../schemas/version.ts';
import type { PrepareSettings } from '../index-documents/prepare-changes.ts';
import { type Divergence, divergenceOf, keyOfDocumentId } from './compare-state.ts';
import { type ExpectedDocument, expectedDocument } from './expected-document.ts';

export interface Divergent {
  readonly documentId: string;
  readonly divergence: Divergence;
  readonly held: HeldDocument | undefined;
  /** Undefined where the row is gone. */
  readonly row: ScannedRow | undefined;
  /** The table's floor before the row was read: one that comes later (a truncate, the sweep of a new epoch) may be for this row. */
  readonly floor: string | null;
}

export interface TableReport {
  readonly source: string;
  readonly table: string;
  readonly rows: number;
  readonly divergent: readonly Pick<Divergent, 'documentId' | 'divergence'>[];
  /** How many of those `repair` mended. */
  readonly repaired: number;
  /** Could not be told from changes in flight: they changed at every look, the table is paused, the watermark of the source stands still, or the mapping fails on the row. */
  readonly unsettled: readonly string[];
  /** Documents that differed at the first look and turned out to be changes in flight. */
  readonly inFlight: number;
}

export interface ReconcileSettings {
  readonly source: string;
  readonly table: string;
  readonly scanner: RowScanner;
  readonly index: Pick<IndexService, 'describe' | 'floor' | 'list' | 'covers' | 'watermarks' | 'one'>;
  readonly prepare: PrepareSettings;
  /** Reads again what `prepare.releaseOf` tells: people let documents pass while this runs. */
  readonly readReleases?: () => Promise<void>;
  /** The end of the source's log: what was committed before is at or below it. */
  readonly currentPosition: () => Promise<string>;
  /** Between pages, so that a scan in the background costs little. 0: none. */
  readonly pauseMs: number;
  readonly onProgress: (rows: number) => void;
  /** Given what differs as it is found, a page at a time: rows are not kept. Gives how many it mended. */
  readonly repair?: (divergents: readonly Divergent[]) => Promise<number>;
  readonly signal?: AbortSignal;
}

const PAGE = 500;
const LOOKS = 5;
const COVERED_WITHIN_MS = 20_000;
/** For comparing alone: written nowhere. */
const ANY_VERSION = makeVersion(0, [0n, 0n]);

export const reconcileTable = async (settings: ReconcileSettings): Promise<TableReport> => {
  const { source, table, scanner, prepare } = settings;
  // Of several replicas one: that another covers a place says nothing of what this one holds.
  const index = (await settings.index.one?.()) ?? settings.index;
  const keyColumns = await scanner.keyColumns(table);
  const divergent: Pick<Divergent, 'documentId' | 'divergence'>[] = [];
  const unsettled: string[] = [];
  let rows = 0;
  let inFlight = 0;
  let repaired = 0;

  const expectedOf = async (row: ScannedRow | undefined): Promise<ExpectedDocument | undefined> =>
    row && (await expectedDocument(prepare, settings, row, ANY_VERSION));
  const heldOf = async (ids: readonly string[]): Promise<ReadonlyMap<string, HeldDocument>> =>
    new Map((await index.describe(ids)).map((held) => [held.documentId, held]));
  const rowsOf = async (ids: readonly string[]): Promise<ReadonlyMap<string, ScannedRow>> =>
    new Map(
      (
        await scanner.rows(
          table,
          ids.map((id) => keyOfDocumentId(id, keyColumns)),
        )
      ).map((row) => [documentIdOf(source, table, row.key), row]),
    );

  const isHeld = async (): Promise<boolean> =>
    (await index.watermarks())[source]?.heldTables[table] !== undefined;

  /** Of the ids that differed at first sight: which differ for good. */
  const differing = async (suspects: readonly string[]): Promise<readonly Divergent[]> => {
    const found: Divergent[] = [];
    let open = suspects;
    for (let look = 1; look <= LOOKS && open.length > 0; look += 1) {
      settings.signal?.throwIfAborted();
      // What a paused table holds back is no divergence: a burst of deletes it was paused for is not to be carried out here.
      if (await isHeld()) {
        unsettled.push(...open);
        return found;
      }
      const floor = await index.floor(source, table);
      const before = await rowsOf(open);
      try {
        const after = { source, position: await settings.currentPosition() };
        const asked = { freshness: { after, waitMs: COVERED_WITHIN_MS }, filter: { source, table } };
        await index.covers(asked, settings.signal);
      } catch (thrown) {
        if (!hasCode(thrown, 'stale')) throw thrown;
        unsettled.push(...open);
        return found;
      }
      // Its pause may have come meanwhile.
      if (await isHeld()) {
        unsettled.push(...open);
        return found;
      }
      const held = await heldOf(open);
      const after = await rowsOf(open);
      const judged = async () => {
        const verdicts = [];
        for (const documentId of open) {
          const row = before.get(documentId);
          const expected = await expectedOf(row);
          const isMoving = expected?.digest !== (await expectedOf(after.get(documentId)))?.digest;
          const divergence = isMoving ? undefined : divergenceOf(expected?.digest, held.get(documentId));
          verdicts.push({ documentId, row, expected, isMoving, divergence });
        }
        return verdicts;
      };
      let verdicts = await judged();
      // A release made a document of a row that is there. Of what is missing, as all of a table that was lost, nobody reads them again.
      const mayBeReleased = verdicts.some(
        ({ documentId, row, divergence }) => divergence && row && held.get(documentId)?.kind === 'document',
      );
      if (settings.readReleases && mayBeReleased) {
        // Behind what the index holds: whatever it shows of a release, the release is known by now.
        await settings.readReleases();
        verdicts = await judged();
      }
      const moving: string[] = [];
      for (const { documentId, row, expected, isMoving, divergence } of verdicts) {
        if (isMoving) {
          moving.push(documentId);
          continue;
        }
        // What a mapping cannot read says nothing against the document that it once made.
        if (divergence && expected?.unmapped) unsettled.push(documentId);
        else if (divergence) found.push({ documentId, divergence, held: held.get(documentId), row, floor });
        else inFlight += 1;
      }
      open = moving;
    }
    unsettled.push(...open);
    return found;
  };
  const settle = async (suspects: readonly string[]): Promise<void> => {
    const found = await differing(suspects);
    if (found.length === 0) return;
    divergent.push(...found.map(({ documentId, divergence }) => ({ documentId, divergence })));
    repaired += (await settings.repair?.(found)) ?? 0;
  };
  /** Documents of which there is no row. */
  const strangers = async (ids: readonly string[]): Promise<readonly string[]> => {
    const wanted = ids.map((id) => keyOfDocumentId(id, keyColumns));
    const there = (await scanner.keys(table, wanted)).map((key) => documentIdOf(source, table, key));
    const known = new Set(there);
    return ids.filter((id) => !known.has(id));
  };

  for (let after: ScannedRow['key'] | undefined; ; ) {
    settings.signal?.throwIfAborted();
    const page = await scanner.page(table, after, PAGE);
    const expected = new Map<string, string | null>();
    for (const row of page) {
      const { documentId, digest } = await expectedDocument(prepare, settings, row, ANY_VERSION);
      expected.set(documentId, digest);
    }
    const held = await heldOf([...expected.keys()]);
    await settle([...expected].flatMap(([id, digest]) => (divergenceOf(digest, held.get(id)) ? [id] : [])));
    rows += page.length;
    settings.onProgress(rows);
    after = page.at(-1)?.key;
    if (page.length < PAGE) break;
    if (settings.pauseMs > 0) await sleep(settings.pauseMs);
  }
  let listed: string[] = [];
  for await (const id of index.list(source, table)) {
    settings.signal?.throwIfAborted();
    listed.push(id);
    if (listed.length < PAGE) continue;
    await settle(await strangers(listed));
    listed = [];
    if (settings.pauseMs > 0) await sleep(settings.pauseMs);
  }
  await settle(await strangers(listed));
  return { source, table, rows, divergent, repaired, unsettled, inFlight };
};
