/**
 * The sweep after a snapshot: what the snapshot did not see is deleted by a floor in every partition of freshet.documents
 * (rule V). It comes once the snapshot's rows are indexed, so that nothing is missing meanwhile; its version makes it right
 * at any time.
 */
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { INDEX_DOCUMENTS_GROUP } from '../../schemas/groups.ts';
import { timingOfNothing } from '../../schemas/timing-of-nothing.ts';
import { changeTopic, TOPICS } from '../../schemas/topics.ts';
import type { Version } from '../../schemas/version.ts';
import { floorRecord } from '../index-documents/document-records.ts';
import type { WatchedSource } from './watched-source.ts';

/** Ends of the change topic by partition; empty where there is none. Errors: `kafka-unavailable`. */
export const changeEnds = async ({ source, kafka }: WatchedSource): Promise<readonly number[]> => {
  const { name } = changeTopic(source);
  if (!(await kafka.admin.listTopics()).includes(name)) return [];
  const ends: number[] = [];
  for (const { partition, latest } of await kafka.admin.offsets(name)) ends[partition] = latest;
  return ends;
};

/** Whether index-documents has finished everything before these offsets. What it finished of a topic that was there before counts for nothing. */
export const isIndexedTo = async (watched: WatchedSource, ends: readonly number[]): Promise<boolean> => {
  const { source, kafka } = watched;
  const committed = await kafka.admin.committed(INDEX_DOCUMENTS_GROUP, changeTopic(source).name);
  const now = await changeEnds(watched);
  return ends.every((end, partition) => {
    const done = committed.get(partition)?.offset ?? 0;
    return end === 0 || (done >= end && done <= (now[partition] ?? 0));
  });
};

/** Deletes every document of these tables below a version. Safe to repeat. Errors: `append-failed`. */
export const appendFloors = async (
  { source, kafka, writer, codec, clock }: WatchedSource,
  tables: readonly string[],
  version: Version,
): Promise<void> => {
  const now = clock();
  const partitions = await kafka.admin.partitionCount(TOPICS.documents.name);
  await writer.append(
    tables.flatMap((table) => {
      const record = floorRecord({
        source,
        change: { table, version },
        position: { topic: changeTopic(source).name, partition: 0, offset: 0 },
        timing: timingOfNothing(now),
      });
      const value = codec.encode('Document', record);
      return Array.from({ length: partitions }, (_, partition) => ({
        topic: TOPICS.documents.name,
        partition,
        key: record.documentId,
        value,
        headers: cloudEventHeaders({
          id: `${record.documentId}@${version}`,
          type: 'freshet.document',
          source: 'freshet/watch-sources',
          at: now,
        }),
      }));
    }),
  );
};
