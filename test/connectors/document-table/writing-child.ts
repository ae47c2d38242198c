/** Run by crash.test.ts: writes batches and prints what was acknowledged, until it is killed. */
import { writeSync } from 'node:fs';
import { openLmdbDocumentTable } from '../../../connectors/document-table/lmdb-document-table.ts';
import { storedDocument } from './table-records.ts';

const [, , folder = '', from = '0'] = process.argv;
const table = await openLmdbDocumentTable({ folder });
if (Number(from) > 0 && table.fresh !== undefined) throw new Error(`begun empty: ${table.fresh}`);

for (let offset = Number(from); ; offset += 1) {
  const ids = [0, 1, 2].map((place) => `a/${(offset * 7 + place) % 500}`);
  const documents = ids.map((id) => storedDocument(id, offset, { text: 'x'.repeat((offset * 37) % 6_000) }));
  const rows = ids.map((id, chunk) => ({
    rowId: `${id}#${chunk}`,
    origin: { partition: 0, documentId: id, chunk },
  }));
  table.write({
    partition: 0,
    position: offset + 1,
    documents,
    rows,
    staleRows: [{ id: `stale-${offset}`, tenant: 'acme' }],
  });
  writeSync(1, `${offset}\n`);
  if (offset % 50 === 0) await table.flushed();
}
