import { expect, test } from 'vitest';
import { standsAboveFloor } from '../../../pipelines/index-documents/stands-above-floor.ts';
import { floorIdOf } from '../../../schemas/document-id.ts';
import { makeVersion } from '../../../schemas/version.ts';
import { recordOf } from '../document-histories.ts';
import { createMemoryDocumentTable } from '../memory-document-table.ts';

test('a document that a floor has condemned is no lookalike of what comes after it, though it still stands', () => {
  const table = createMemoryDocumentTable();
  const [old, reloaded] = [1, 2].map((key) =>
    recordOf({ kind: 'document', table: 'public.a', key }, key === 1 ? 3 : 7),
  );
  if (!old || !reloaded) throw new Error('none made');
  const documents = [old, reloaded].map((record, offset) => ({ record, offset }));
  table.write({ partition: 0, position: 2, documents });
  const standing = () => [old, reloaded].map(({ documentId }) => standsAboveFloor(table, 0, documentId));
  expect(standing()).toEqual([true, true]);
  // As applyFloors does it: the floor first, what is below it slice by slice.
  const floor = { id: floorIdOf(old.source, old.table), version: makeVersion(1, [5n, 0n]), offset: 2 };
  table.write({ partition: 0, position: 2, floors: [floor] });
  expect(table.standing(0, old.documentId)).toBeDefined();
  expect(standing()).toEqual([false, true]);
  expect(standsAboveFloor(table, 1, reloaded.documentId)).toBe(false);
});
