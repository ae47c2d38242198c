/** What the times of a record are of is told by the record: nothing else of it tells a read of a running table from a commit. */
import { expect, test } from 'vitest';
import type { Change } from '../../../connectors/debezium/change.ts';
import { revisionAfter } from '../../../schemas/version.ts';
import { deleteAt, outcomesOf, prepareSettings, upsertAt, versionAt } from './changes.ts';

const basisOf = async (change: Change): Promise<string | undefined> => {
  const [outcome] = await outcomesOf(prepareSettings(), [change]);
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
