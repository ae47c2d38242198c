/** A table is truncated, or swept under a new epoch, between the last look at a row and its repair: the row stays gone. */
import { expect, test } from 'vitest';
import type { IndexService } from '../../../connectors/index-service/index-service.ts';
import { EmbeddingCache } from '../../../connectors/models/embedding/embedding-cache.ts';
import { JUDGED_ALONE } from '../../../pipelines/gates/judged-alone.ts';
import { type ReconcileSettings, reconcileTable } from '../../../pipelines/reconcile/reconcile-table.ts';
import { repairDocuments } from '../../../pipelines/reconcile/repair-documents.ts';
import type { Document } from '../../../schemas/records.ts';
import { makeVersion } from '../../../schemas/version.ts';
import { knownWatermark } from '../../connectors/index-service/known-watermark.ts';
import { model, prepareSettings } from '../index-documents/changes.ts';
import { scannerOf } from './scanner-of.ts';

const OF = { source: 'shop', table: 'public.a' };
const prepare = { ...prepareSettings(), ...JUDGED_ALONE };
const row = { key: { id: '1' }, row: { id: 1n, title: 'T', body: 'Before.', tenant: 'acme', kind: 'x' } };
const scanner = scannerOf(row);

/** The record of the repair, where the floors are those before the row was read and after it. */
const repaired = async (before: string, after: string): Promise<Document | undefined> => {
  let floor = before;
  const made: Document[] = [];
  const index = {
    describe: async () => [],
    list: async function* () {},
    floor: async () => floor,
    watermarks: async () => ({ shop: knownWatermark(20) }),
    covers: async () => {
      floor = after;
    },
    restore: async () => 0,
  } as unknown as ReconcileSettings['index'] & Pick<IndexService, 'restore'>;
  await reconcileTable({
    ...OF,
    ...{ index, prepare, scanner, currentPosition: async () => '0/1', pauseMs: 0 },
    onProgress: () => undefined,
    repair: (divergents) =>
      repairDocuments(
        {
          ...{ ...OF, epoch: 1, readAt: 99, prepare, index },
          embed: { embedding: new EmbeddingCache({ model, maxBytes: 1e6 }), model, clock: () => 7 },
          writer: { append: async () => [], pending: () => 0, close: async () => undefined },
          codec: {
            encode: (_, record) => {
              made.push(record as Document);
              return Buffer.alloc(0);
            },
          },
        },
        divergents,
      ),
  });
  return made[0];
};

const SWEPT = makeVersion(1, [0n, 50n]);

test('a missing row is written above the floor that it was read under, and below the next one', async () => {
  const record = await repaired(SWEPT, SWEPT);
  expect(record).toMatchObject({ kind: 'document', text: 'Before.' });
  // By the source's clock, and nothing that anyone waited for.
  expect(record?.timing).toMatchObject({ committedAt: 99, basis: 'none' });
  expect(String(record?.version) > SWEPT).toBe(true);
  for (const truncated of [makeVersion(1, [900n, 950n]), makeVersion(2, [0n, 40n])])
    expect(String((await repaired(SWEPT, truncated))?.version) < truncated).toBe(true);
});
