/** A comparison that nobody waits for any more ends in the middle of its looks: a gateway runs one at a time. */
import { expect, test } from 'vitest';
import type { IndexReplica } from '../../../connectors/index-service/index-service.ts';
import type { RowScanner } from '../../../connectors/sources/row-scanner.ts';
import { JUDGED_ALONE } from '../../../pipelines/gates/judged-alone.ts';
import { reconcileTable } from '../../../pipelines/reconcile/reconcile-table.ts';
import { knownWatermark } from '../../connectors/index-service/known-watermark.ts';
import { prepareSettings } from '../index-documents/changes.ts';

test('no look is begun once it was given up, and the wait of one that runs hears of it', async () => {
  let reads = 0;
  // Another at every look, so that nothing could be told before the last of them.
  const row = () => {
    reads += 1;
    return {
      key: { id: '1' },
      row: { id: 1n, title: 'T', body: `as of read ${reads}`, tenant: 'acme', kind: 'x' },
    };
  };
  const scanner: RowScanner = {
    keyColumns: async () => ['id'],
    page: async () => [row()],
    rows: async () => [row()],
    keys: async () => [{ id: '1' }],
    close: async () => undefined,
  };
  const gone = new AbortController();
  const waits: (AbortSignal | undefined)[] = [];
  const index = {
    floor: async () => null,
    watermarks: async () => ({ shop: knownWatermark(20) }),
    covers: async (_: unknown, signal?: AbortSignal) => {
      waits.push(signal);
      gone.abort();
    },
    describe: async () => [],
    list: async function* () {},
  } as unknown as IndexReplica;
  const comparing = reconcileTable({
    ...{
      source: 'shop',
      table: 'public.a',
      index,
      scanner,
      prepare: { ...prepareSettings(), ...JUDGED_ALONE },
    },
    ...{ currentPosition: async () => '0/1', pauseMs: 0, onProgress: () => undefined, signal: gone.signal },
  });
  await expect(comparing).rejects.toMatchObject({ name: 'AbortError' });
  expect(waits).toEqual([gone.signal]);
});
