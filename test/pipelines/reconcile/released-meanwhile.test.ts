/** A person lets a refused row pass while the comparison runs: what it made is no divergence, and is not taken out again. */
import { expect, test } from 'vitest';
import type { HeldDocument } from '../../../connectors/index-service/index-service.ts';
import { JUDGED_ALONE } from '../../../pipelines/gates/judged-alone.ts';
import { expectedDocument } from '../../../pipelines/reconcile/expected-document.ts';
import { type ReconcileSettings, reconcileTable } from '../../../pipelines/reconcile/reconcile-table.ts';
import { documentIdOf } from '../../../schemas/document-id.ts';
import type { Release } from '../../../schemas/release-decision.ts';
import { makeVersion } from '../../../schemas/version.ts';
import { knownWatermark } from '../../connectors/index-service/known-watermark.ts';
import { prepareSettings } from '../index-documents/changes.ts';
import { scannerOf } from './scanner-of.ts';

const OF = { source: 'shop', table: 'public.a' };
const VERSION = makeVersion(1, [5n, 0n]);
const row = {
  key: { id: '1' },
  row: { id: 1n, title: 'T', body: 'Too long. '.repeat(100), tenant: 'acme', kind: 'x' },
};
const scanner = scannerOf(row);

test('a release that was made after the start is known before anything counts as divergent', async () => {
  let release: Release | undefined;
  const prepare = { ...prepareSettings(), ...JUDGED_ALONE, releaseOf: () => release };
  const refused = await expectedDocument(prepare, OF, row, VERSION);
  expect(refused.digest).toBeNull();
  if (refused.prepared.kind !== 'refused') throw new Error('the gates let it pass');
  const made: Release = { contentHash: refused.prepared.contentHash, gate: refused.prepared.refusal.gate };
  release = made;
  const { digest } = await expectedDocument(prepare, OF, row, VERSION);
  release = undefined;

  const held: HeldDocument = {
    ...{ documentId: documentIdOf(OF.source, OF.table, row.key), kind: 'document', version: VERSION },
    ...{ partition: 0, refusal: null, searchable: true, vectorsMissing: 0, digest: digest ?? '' },
  };
  const index = {
    describe: async () => [held],
    list: async function* () {},
    floor: async () => null,
    watermarks: async () => ({ shop: knownWatermark(20) }),
    covers: async () => undefined,
  } as unknown as ReconcileSettings['index'];
  const report = await reconcileTable({
    ...OF,
    ...{ index, prepare, scanner, currentPosition: async () => '0/1', pauseMs: 0 },
    onProgress: () => undefined,
    readReleases: async () => {
      release = made;
    },
  });
  expect(report).toMatchObject({ divergent: [], inFlight: 1 });
});

test('of documents that are missing, or whose rows are gone, no release is read again', async () => {
  const prepare = { ...prepareSettings(), ...JUDGED_ALONE };
  const stray = documentIdOf(OF.source, OF.table, { id: '2' });
  const held = {
    ...{ documentId: stray, kind: 'document', version: VERSION, partition: 0, refusal: null },
    ...{ searchable: true, vectorsMissing: 0, digest: 'of a row that is gone' },
  } as const;
  const index = {
    describe: async (ids: readonly string[]) => [held].filter(({ documentId }) => ids.includes(documentId)),
    list: async function* () {
      yield stray;
    },
    floor: async () => null,
    watermarks: async () => ({ shop: knownWatermark(20) }),
    covers: async () => undefined,
  } as unknown as ReconcileSettings['index'];
  const short = { ...row, row: { ...row.row, body: 'Short.' } };
  const report = await reconcileTable({
    ...OF,
    ...{ index, prepare, currentPosition: async () => '0/1', pauseMs: 0, onProgress: () => undefined },
    scanner: {
      ...scanner,
      page: async () => [short],
      rows: async (_, keys) => (keys.some(([id]) => id === '1') ? [short] : []),
      keys: async () => [],
    },
    readReleases: () => Promise.reject(new Error('the control topic was read again')),
  });
  expect(report.divergent.map(({ divergence }) => divergence)).toEqual(['missing', 'extra']);
});
