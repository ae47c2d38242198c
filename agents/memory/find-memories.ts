/** Long-term memories as they stand in cdc.memory, with their words: for whoever asks, forgets or repairs. Reads the log. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { isUnreadable } from '../../schemas/errors.ts';
import { memoryVersion } from '../../schemas/memory-source.ts';
import type { Memory } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { memoryPartition } from './memory-record.ts';

export interface MemoriesWanted {
  /** Both given: one partition is read, else all. */
  readonly tenant?: string;
  readonly agent?: string;
  readonly sessionId?: string;
  readonly matches?: (memory: Memory) => boolean;
}

/** What stands, newest first; cuts and what has ended are left out. Errors: `kafka-unavailable`, `registry-unavailable`. */
export const findMemories = async (
  { kafka, codec }: { readonly kafka: KafkaClient; readonly codec: Pick<RecordCodec, 'decode'> },
  { tenant, agent, sessionId, matches = () => true }: MemoriesWanted,
): Promise<readonly Memory[]> => {
  const newest = new Map<string, Memory>();
  const only =
    tenant !== undefined && agent !== undefined ? { partitions: [memoryPartition({ tenant, agent })] } : {};
  await scanTopic(kafka, { topic: TOPICS.memory.name, ...only }, async ({ key, value }) => {
    if (value === null) {
      newest.delete(key?.toString('utf8') ?? '');
      return;
    }
    let memory: Memory;
    try {
      memory = await codec.decode('Memory', value);
    } catch (error) {
      if (isUnreadable(error)) return;
      throw error;
    }
    const wanted =
      memory.kind !== 'cut' &&
      (tenant === undefined || memory.tenant === tenant) &&
      (agent === undefined || memory.agent === agent);
    const held = newest.get(memory.memoryId);
    if (wanted && (!held || memoryVersion(held) < memoryVersion(memory))) newest.set(memory.memoryId, memory);
  });
  return [...newest.values()]
    .filter(
      (memory) =>
        memory.state === 'kept' &&
        (sessionId === undefined || memory.sessionId === sessionId) &&
        matches(memory),
    )
    .sort((a, b) => b.at - a.at || (a.memoryId < b.memoryId ? -1 : 1));
};
