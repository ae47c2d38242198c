/** A comparison with several index replicas, one of them behind: it is with one of them from its beginning to its end. */
import { expect, test } from 'vitest';
import { amongReplicas } from '../../../connectors/index-service/index-replicas.ts';
import type { HeldDocument, IndexReplica } from '../../../connectors/index-service/index-service.ts';
import { JUDGED_ALONE } from '../../../pipelines/gates/judged-alone.ts';
import { expectedDocument } from '../../../pipelines/reconcile/expected-document.ts';
import { reconcileTable } from '../../../pipelines/reconcile/reconcile-table.ts';
import { documentIdOf } from '../../../schemas/document-id.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { makeVersion } from '../../../schemas/version.ts';
import { knownWatermark } from '../../connectors/index-service/known-watermark.ts';
import { prepareSettings } from '../index-documents/changes.ts';
import { scannerOf } from './scanner-of.ts';

const OF = { source: 'shop', table: 'public.a' };
const prepare = { ...prepareSettings(), ...JUDGED_ALONE };
const row = {
  key: { id: '1' },
  row: { id: 1n, title: 'T', body: 'as it is now', tenant: 'acme', kind: 'x' },
};
const scanner = scannerOf(row);

test('that another covers the place makes no divergence of what one is behind with', async () => {
  const { digest } = await expectedDocument(prepare, OF, row, makeVersion(0, [0n, 0n]));
  const described: string[] = [];
  const replica = (name: string, isBehind: boolean): IndexReplica =>
    ({
      notReady: async () => null,
      floor: async () => null,
      watermarks: async () => ({ shop: knownWatermark(20) }),
      covers: async () => {
        if (isBehind) throw new FreshetError('stale', name);
      },
      describe: async (): Promise<readonly HeldDocument[]> => {
        described.push(name);
        return [
          {
            ...{ documentId: documentIdOf(OF.source, OF.table, row.key), kind: 'document', version: 'v1' },
            ...{ partition: 0, refusal: null, searchable: true, vectorsMissing: 0 },
            digest: isBehind ? 'of-before' : (digest ?? ''),
          },
        ];
      },
      list: async function* () {},
    }) as unknown as IndexReplica;
  const index = amongReplicas([replica('fresh', false), replica('behind', true)]);
  const seen = new Set<string>();
  for (let run = 0; run < 4; run += 1) {
    described.length = 0;
    const report = await reconcileTable({
      ...OF,
      ...{ index, prepare, scanner, currentPosition: async () => '0/1', pauseMs: 0 },
      onProgress: () => undefined,
    });
    expect(report.divergent).toEqual([]);
    const [one, ...others] = new Set(described);
    expect(others).toEqual([]);
    expect(report.unsettled).toHaveLength(one === 'behind' ? 1 : 0);
    seen.add(one ?? '');
  }
  // The next run takes the next.
  expect([...seen].sort()).toEqual(['behind', 'fresh']);
});
