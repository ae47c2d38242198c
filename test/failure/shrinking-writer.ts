/**
 * Run by 17-document-shrinks.test.ts: applies one version of a document to an index on disk and kills itself right before
 * the n-th write that it makes, whichever store that is to.
 */
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import type { VectorIndex } from '../../connectors/vector-index/vector-index.ts';
import { applyDocuments, removeStale } from '../../pipelines/apply-index/apply-documents.ts';
import { openGenerations } from '../../pipelines/apply-index/generations.ts';
import { DIMENSIONS, versionOf } from './shrinking-document.ts';

const [, , folder = '', chunks = '', offset = '', dieAt = ''] = process.argv;
let writes = 0;
const counted = <Input extends readonly unknown[], Output>(write: (...input: Input) => Output) => {
  return (...input: Input): Output => {
    writes += 1;
    if (writes === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
    return write(...input);
  };
};

const generations = await openGenerations({ folder, dimensions: DIMENSIONS, onDiscarded: () => undefined });
const { table, index } = generations.serving();
const killing: { readonly table: DocumentTable; readonly index: VectorIndex } = {
  table: {
    get: (...input) => table.get(...input),
    standing: (...input) => table.standing(...input),
    standings: (...input) => table.standings(...input),
    floor: (...input) => table.floor(...input),
    origin: (...input) => table.origin(...input),
    staleRows: () => table.staleRows(),
    position: (...input) => table.position(...input),
    count: (...input) => table.count(...input),
    countOf: (...input) => table.countOf(...input),
    deleted: (...input) => table.deleted(...input),
    historyEnd: (...input) => table.historyEnd(...input),
    writtenAt: (...input) => table.writtenAt(...input),
    find: (...input) => table.find(...input),
    refusals: (...input) => table.refusals(...input),
    flushed: () => table.flushed(),
    close: () => table.close(),
    clear: (...input) => table.clear(...input),
    write: counted((...writes) => table.write(...writes)),
    forgetStaleRows: counted((rows) => table.forgetStaleRows(rows)),
  },
  index: {
    engine: index.engine,
    dimensions: index.dimensions,
    upsert: counted((rows) => index.upsert(rows)),
    remove: counted((rows) => index.remove(rows)),
    query: (query) => index.query(query),
    has: (rows) => index.has(rows),
    ids: () => index.ids(),
    count: () => index.count(),
    clear: () => index.clear(),
    close: () => index.close(),
  },
};
// As the index role does when it starts.
await removeStale(killing);
await applyDocuments(killing, [
  {
    ...{ partition: 0, position: Number(offset) + 1 },
    records: [{ record: versionOf(Number(offset), Number(chunks)), offset: Number(offset) }],
  },
]);
await generations.close();
