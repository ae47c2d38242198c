/** A record of freshet.results → a change like any other: a completed result is a row of its agent's table, its tombstone a delete. */
import type { ReadChange } from '../../connectors/debezium/read-change.ts';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { unreadableReason } from '../../connectors/registry/unreadable-reason.ts';
import { isUnreadable } from '../../schemas/errors.ts';
import { resultTable, resultVersion, rowOfResult } from '../../schemas/result-source.ts';

/** `localTenant`: of a task that names none. Errors: `registry-unavailable` alone, to be tried again. */
export const readResult = async (
  codec: Pick<RecordCodec, 'decode'>,
  record: KafkaRecord,
  localTenant: string,
): Promise<ReadChange> => {
  if (record.value === null) return { kind: 'dropped' };
  try {
    const result = await codec.decode('Result', record.value);
    // What failed or was halted says nothing of the world.
    if (result.outcome !== 'completed') return { kind: 'dropped' };
    const { taskId, agent, completedAt } = result;
    return {
      kind: 'change',
      change: {
        ...{
          kind: 'upsert',
          table: resultTable(agent),
          key: { id: taskId },
          row: rowOfResult(result, localTenant),
        },
        ...{ version: resultVersion(completedAt), committedAt: completedAt, capturedAt: completedAt },
        ...{ read: false, unavailable: [] },
      },
    };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { kind: 'unreadable', reason: unreadableReason(record.value), message: error.message };
  }
};
