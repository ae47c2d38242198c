/** A record of cdc.memory → a change like any other: our own Avro instead of Debezium's envelope, and our own time as the position. */
import type { ReadChange } from '../../connectors/debezium/read-change.ts';
import { tableMarkOf } from '../../connectors/debezium/table-mark.ts';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { unreadableReason } from '../../connectors/registry/unreadable-reason.ts';
import { isUnreadable } from '../../schemas/errors.ts';
import { MEMORY_TABLE, memoryVersion } from '../../schemas/memory-source.ts';

/** What the ids of cuts begin with: they are no memories. */
const CUT = 'cut-';

/** Written when a memory has been over for a while; whoever was away that long learns of the end by it alone. */
const readTombstone = ({ key, timestamp }: KafkaRecord): ReadChange => {
  const id = key?.toString('utf8') ?? '';
  if (id === '' || id.startsWith(CUT)) return { kind: 'dropped' };
  const at = timestamp * 1_000;
  return {
    kind: 'change',
    change: {
      ...{ kind: 'delete', table: MEMORY_TABLE, key: { id } },
      ...{ version: memoryVersion({ state: 'pruned', at }), committedAt: at, capturedAt: at },
    },
  };
};

/** Errors: `registry-unavailable` alone, to be tried again. */
export const readMemory = async (
  codec: Pick<RecordCodec, 'decode'>,
  record: KafkaRecord,
): Promise<ReadChange> => {
  const mark = tableMarkOf(record);
  if (mark) return { kind: 'mark', mark };
  if (record.value === null) return readTombstone(record);
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
    if (!isUnreadable(error)) throw error;
    return { kind: 'unreadable', reason: unreadableReason(record.value), message: error.message };
  }
};
