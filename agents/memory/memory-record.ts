/** A long-term memory as a record of cdc.memory: its id, where it stands, and how it ends. Pure. */
import { createHash } from 'node:crypto';
import type { RecordToAppend } from '../../connectors/kafka/kafka.ts';
import { partitionOfKey } from '../../connectors/kafka/partition-of-key.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import type { Memory } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';

/** Why turns are cut that have become a memory; those of another reason a person has forgotten. */
export const SUMMARISED = 'summarised';

/** Of the same parts always the same, so that a memory that is written again is the same memory. */
export const memoryIdOf = (kind: Memory['kind'], parts: readonly (string | number | null)[]): string =>
  `${kind}-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24)}`;

/** One agent's memories in one tenant. */
export const namespaceOf = ({ tenant, agent }: Pick<Memory, 'tenant' | 'agent'>): string =>
  JSON.stringify([tenant, agent]);

/** All memories of a namespace stand in one partition, so that its owner alone counts and prunes them. */
export const memoryPartition = (of: Pick<Memory, 'tenant' | 'agent'>): number =>
  partitionOfKey(Buffer.from(namespaceOf(of)), TOPICS.memory.partitions);

export const memoryRecord = (codec: Pick<RecordCodec, 'encode'>, memory: Memory): RecordToAppend => ({
  topic: TOPICS.memory.name,
  partition: memoryPartition(memory),
  key: memory.memoryId,
  value: codec.encode('Memory', memory),
  headers: cloudEventHeaders({
    id: `${memory.memoryId}:${memory.state}:${memory.at}`,
    type: 'freshet.memory',
    source: 'freshet/memory',
    at: memory.at,
  }),
});

/** Compaction takes the last of it away. */
export const memoryTombstone = (of: Pick<Memory, 'tenant' | 'agent' | 'memoryId'>): RecordToAppend => ({
  topic: TOPICS.memory.name,
  partition: memoryPartition(of),
  key: of.memoryId,
  value: null,
});

/** The end of a memory: its words go, its places stay, so that it can be said what was undone. */
export const endedMemory = (
  memory: Omit<Memory, 'title' | 'text' | 'origin'>,
  state: 'pruned' | 'forgotten',
  reason: string,
  at: number,
): Memory => ({
  ...memory,
  title: '',
  text: '',
  origin: 'user',
  state,
  reason,
  at: Math.max(at, memory.at + 1),
});

/**
 * What keeps turns of the journal from being read into a session again: they moved on, were forgotten or undone. `untilMs`: as
 * long as the journal can be read back. An execution without a session is cut under an empty name; null: whatever the session.
 */
export const cutOf = (
  {
    tenant,
    agent,
    sessionId,
  }: { readonly tenant: string; readonly agent: string; readonly sessionId: string | null },
  places: Memory['places'],
  { at, untilMs, reason }: { readonly at: number; readonly untilMs: number; readonly reason: string },
): Memory => ({
  memoryId: memoryIdOf('cut', [
    ...[tenant, agent, sessionId],
    ...places.flatMap(({ topic, partition, from, to }) => [topic, partition, from, to]),
  ]),
  kind: 'cut',
  state: 'kept',
  ...{ tenant, agent, sessionId },
  ...{ title: '', text: '', origin: 'user', uses: 0 },
  ...{ createdAt: at, at, expiresAt: at + untilMs * 1_000 },
  executionId: null,
  places,
  reason,
});
