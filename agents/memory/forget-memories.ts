/** What a person has forgotten: gone from where it is found, and never read from the journal or written again. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { partitionOfKey } from '../../connectors/kafka/partition-of-key.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { SessionKey, SessionStore } from '../../connectors/redis/session-store.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { SessionTurn } from '../../schemas/recollection.ts';
import type { Memory } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { cutOf, endedMemory, memoryRecord } from './memory-record.ts';

export interface ForgetSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'encode' | 'decode'>;
  readonly writer: Pick<RecordWriter, 'append'>;
  readonly sessions: SessionStore;
  readonly clock: Clock;
}

/** As long as a record of the journal may be read again. */
const JOURNAL_KEPT_MS = Number(TOPICS.agentEvents.settings['retention.ms']);

const journalUpToNow = async (kafka: KafkaClient): Promise<Memory['places']> => {
  const topic = TOPICS.agentEvents.name;
  const offsets = await kafka.admin.offsets(topic);
  return offsets.map(({ partition, latest }) => ({
    ...{ topic, partition, from: 0 },
    to: Math.max(0, latest - 1),
  }));
};

/** Errors: `append-failed`. */
export const forgetMemories = async (
  { writer, codec, clock }: Pick<ForgetSettings, 'writer' | 'codec' | 'clock'>,
  memories: readonly Memory[],
  reason: string,
): Promise<void> => {
  const at = clock();
  await writer.append(
    memories.map((memory) => memoryRecord(codec, endedMemory(memory, 'forgotten', reason, at))),
  );
};

/**
 * The session begins anew: everything of the journal up to now is cut from it first, then its turns go. Its summaries are long-term
 * memories, to be forgotten as such. Errors: `append-failed`, `kafka-unavailable`, `unavailable`: then ask again.
 */
export const forgetSession = async (
  { kafka, writer, codec, sessions, clock }: ForgetSettings,
  key: SessionKey,
  reason: string,
): Promise<number> => {
  const all = await journalUpToNow(kafka);
  const { turns } = await sessions.read(key, 0);
  const partitions = new Set([
    partitionOfKey(Buffer.from(key.sessionId), TOPICS.agentEvents.partitions),
    ...turns.map(({ place }) => place.partition),
  ]);
  const places = all.filter(({ partition }) => partitions.has(partition));
  const cut = cutOf(key, places, { at: clock(), untilMs: JOURNAL_KEPT_MS, reason });
  await writer.append([memoryRecord(codec, cut)]);
  return emptied(sessions, key, turns);
};

/** Its turns go, and nothing more is to be done for it. */
const emptied = async (
  sessions: SessionStore,
  key: SessionKey,
  turns: readonly SessionTurn[],
): Promise<number> => {
  await sessions.remove(key, turns);
  await sessions.settled(key);
  return turns.length;
};

/**
 * Every session of an agent in a tenant begins anew, also those that the store has lost and the journal could bring back. `held`: those
 * that the store names, whose turns go at once; gives how many of each. Errors: as of forgetSession.
 */
export const forgetAgent = async (
  { kafka, writer, codec, sessions, clock }: ForgetSettings,
  agent: Omit<SessionKey, 'sessionId'>,
  held: readonly SessionKey[],
  reason: string,
): Promise<readonly number[]> => {
  const facts = { at: clock(), untilMs: JOURNAL_KEPT_MS, reason };
  const cut = cutOf({ ...agent, sessionId: null }, await journalUpToNow(kafka), facts);
  await writer.append([memoryRecord(codec, cut)]);
  const counts: number[] = [];
  for (const key of held) {
    const { turns } = await sessions.read(key, 0);
    counts.push(await emptied(sessions, key, turns));
  }
  return counts;
};
