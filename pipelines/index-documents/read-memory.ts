/** A record of cdc.memory → a change like any other: our own Avro instead of Debezium's envelope, and our own time as the position. */
import type { ReadChange } from '../../connectors/debezium/read-change.ts';
import { tableMarkOf } from '../../connectors/debezium/table-mark.ts';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { unreadableReason } from '../../connectors/registry/unreadable-reason.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { MEMORY_TABLE, memoryVersion } from '../../schemas/memory-source.ts';

/** Errors: `registry-unavailable` alone, to be tried again. */
export const readMemory = async (
  codec: Pick<RecordCodec, 'decode'>,
  record: KafkaRecord,
): Promise<ReadChange> => {
  const mark = tableMarkOf(record);
  if (mark) return { kind: 'mark', mark };
  // The end of a memory that was over for long already.
  if (record.value === null) return { kind: 'dropped' };
  try {
    const memory = await codec.decode('Memory', record.value);
    if (memory.kind === 'cut') return { kind: 'dropped' };
    const facts = {
      table: MEMORY_TABLE,
      key: { id: memory.memoryId },
      version: memoryVersion(memory),
      committedAt: memory.at,
      capturedAt: memory.at,
    };
    if (memory.state !== 'kept') return { kind: 'change', change: { kind: 'delete', ...facts } };
    const { title, text, tenant, kind, agent, origin, uses, at } = memory;
    const row = { title, text, tenant, kind, agent, origin, uses, at };
    return { kind: 'change', change: { kind: 'upsert', ...facts, row, read: false, unavailable: [] } };
  } catch (error) {
    if (!(error instanceof FreshetError) || error.code !== 'record-unreadable') throw error;
    return { kind: 'unreadable', reason: unreadableReason(record.value), message: error.message };
  }
};
