/** What the times of a record are of is told by the record: nothing else of it tells a read of a running table from a commit. */
import { expect, test } from 'vitest';
import type { Change } from '../../../connectors/debezium/change.ts';
import { EmbeddingCache } from '../../../connectors/models/embedding/embedding-cache.ts';
import { embedDocuments } from '../../../pipelines/index-documents/embed-documents.ts';
import { prepareChanges } from '../../../pipelines/index-documents/prepare-changes.ts';
import { revisionAfter } from '../../../schemas/version.ts';
import { deleteAt, holding, model, prepareSettings, toPrepare, upsertAt, versionAt } from './changes.ts';

const basisOf = async (change: Change): Promise<string | undefined> => {
  const prepared = await prepareChanges(prepareSettings(), holding(), toPrepare([change]));
  const embedding = new EmbeddingCache({ model, maxBytes: 1e6 });
  const [outcome] = await embedDocuments({ embedding, model, clock: () => 8 }, prepared);
  return outcome && 'record' in outcome ? outcome.record.timing.basis : undefined;
};

test.each<[string, Change, string]>([
  ['an update', upsertAt(5), 'commit'],
  ['a delete', deleteAt(5), 'commit'],
  ['a row that a snapshot read beside changes', upsertAt(5, {}, { read: true }), 'snapshot'],
  ['a change taken through again', upsertAt(5, {}, { version: revisionAfter(versionAt(5)) }), 'none'],
])('%s', async (_, change, basis) => {
  expect(await basisOf(change)).toBe(basis);
});
