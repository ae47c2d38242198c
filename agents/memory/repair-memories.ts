/** What a stretch of the journal wrote into memory, and who acted on it: found first, undone then. */
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { type PayloadReader, wholeOrLost, withPayloads } from '../../connectors/payloads/payload-reader.ts';
import type { SessionKey } from '../../connectors/redis/session-store.ts';
import { isUnreadable } from '../../schemas/errors.ts';
import { parseRecollection, RECALL, type SessionTurn } from '../../schemas/recollection.ts';
import type { AgentEvent, Memory } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { findMemories } from './find-memories.ts';
import { type ForgetSettings, forgetMemories } from './forget-memories.ts';
import { cutOf, memoryRecord } from './memory-record.ts';

/** Of freshet.agent-events, `to` included. */
export interface JournalRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export interface TurnToUndo {
  readonly session: SessionKey;
  readonly turns: readonly SessionTurn[];
}

/** A step of an execution that was given something that is undone. */
export interface Decision {
  readonly executionId: string;
  readonly taskId: string;
  readonly agent: string;
  readonly tenant: string | null;
  readonly step: number;
  /** topic:partition:offset of the recollection. */
  readonly position: string;
  /** Memories, and executions whose turns it was given. */
  readonly used: readonly string[];
}

export interface Repair {
  readonly memories: readonly Memory[];
  readonly sessions: readonly TurnToUndo[];
  /** Sessions that an execution of the stretch ended in, those without turns too; '' where it had none. */
  readonly touched: readonly SessionKey[];
  readonly decisions: readonly Decision[];
  /** More of the journal follows than was looked through, or a recollection of it is gone: decisions may be missing. */
  readonly more: boolean;
}

const MOST_SEARCHED = 2_000_000;
const JOURNAL_KEPT_MS = Number(TOPICS.agentEvents.settings['retention.ms']);
const topic = TOPICS.agentEvents.name;

const eventOf = async (
  codec: ForgetSettings['codec'],
  value: Buffer | null,
): Promise<AgentEvent | undefined> => {
  try {
    return await codec.decode('AgentEvent', value);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
};

/** Whether anything of the stretch went into it. */
const isMadeOf =
  ({ partition, from, to }: JournalRange) =>
  ({ places }: Memory): boolean =>
    places.some(
      (place) =>
        place.topic === topic && place.partition === partition && place.from <= to && place.to >= from,
    );

/** Of one tenant where one is named. Errors: `kafka-unavailable`, `unavailable`, `registry-unavailable`. */
export const findRepair = async (
  settings: Omit<ForgetSettings, 'writer'> & { readonly localTenant: string },
  range: JournalRange,
  tenant: string | undefined,
): Promise<Repair> => {
  const { kafka, codec, sessions } = settings;
  const { partition, from, to } = range;
  const touched = new Map<string, SessionKey>();
  let begins = Number.POSITIVE_INFINITY;
  await scanTopic(
    kafka,
    {
      topic,
      partitions: [partition],
      from: new Map([[partition, from]]),
      to: new Map([[partition, to + 1]]),
    },
    async ({ value, timestamp }) => {
      const event = await eventOf(codec, value);
      begins = Math.min(begins, timestamp);
      if (event?.type !== 'response') return;
      const of = event.tenant ?? settings.localTenant;
      if (tenant !== undefined && of !== tenant) return;
      const key = { tenant: of, agent: event.agent, sessionId: event.sessionId ?? '' };
      touched.set(JSON.stringify(key), key);
    },
  );
  const within = (place: { readonly topic: string; readonly partition: number }): boolean =>
    place.topic === topic && place.partition === partition;
  const memories = await findMemories(settings, {
    ...(tenant === undefined ? {} : { tenant }),
    matches: isMadeOf(range),
  });
  const undone: TurnToUndo[] = [];
  for (const session of touched.values()) {
    const { turns } = await sessions.read(session, partition);
    const of = turns.filter(({ place }) => within(place) && place.offset >= from && place.offset <= to);
    if (of.length > 0) undone.push({ session, turns: of });
  }
  const ids = new Set([
    ...memories.map(({ memoryId }) => memoryId),
    ...undone.flatMap(({ turns }) => turns.map(({ executionId }) => executionId)),
  ]);
  const { decisions, more } = await decisionsThatUsed(settings, ids, begins, tenant);
  return { memories, sessions: undone, touched: [...touched.values()], decisions, more };
};

type SearchSettings = Pick<ForgetSettings, 'kafka' | 'codec'> & { readonly localTenant: string };

/** Executions that recalled any of the ids, from a time on (milliseconds since the Unix epoch). Errors: `kafka-unavailable`. */
export const decisionsThatUsed = (
  settings: SearchSettings,
  ids: ReadonlySet<string>,
  since: number,
  tenant: string | undefined,
): Promise<{ readonly decisions: readonly Decision[]; readonly more: boolean }> =>
  withPayloads(settings, (payloads) => searchWith(settings, ids, since, tenant, payloads));

const searchWith = async (
  { kafka, codec, localTenant }: SearchSettings,
  ids: ReadonlySet<string>,
  since: number,
  tenant: string | undefined,
  payloads: Pick<PayloadReader, 'whole'>,
): Promise<{ readonly decisions: readonly Decision[]; readonly more: boolean }> => {
  const decisions: Decision[] = [];
  let searched = 0;
  let lost = false;
  if (ids.size === 0 || !Number.isFinite(since)) return { decisions, more: false };
  const from = await kafka.admin.offsetsAt(topic, Math.floor(since));
  await scanTopic(kafka, { topic, from }, async ({ value, partition, offset }) => {
    searched += 1;
    if (searched > MOST_SEARCHED) return false;
    const event = await eventOf(codec, value);
    if (event?.type !== 'memory-update' || event.name !== RECALL) return true;
    if (tenant !== undefined && (event.tenant ?? localTenant) !== tenant) return true;
    const { event: read, lost: gone } = await wholeOrLost(payloads, event, ['output']);
    if (gone) lost = true;
    const recalled = parseRecollection(read.output);
    const used = [
      ...(recalled?.memories ?? []).map(({ memoryId }) => memoryId),
      ...(recalled?.turns ?? []).map(({ executionId }) => executionId),
    ].filter((id) => ids.has(id));
    const { executionId, taskId, agent, step } = event;
    if (used.length > 0)
      decisions.push({
        ...{ executionId, taskId, agent, tenant: event.tenant, step, used },
        position: `${topic}:${partition}:${offset}`,
      });
    return true;
  });
  return { decisions, more: lost || searched > MOST_SEARCHED };
};

/**
 * Undoes what was found: cut from the journal first, so that no rebuild brings it back, then forgotten, then out of the
 * sessions. Doing it twice changes nothing. Errors: `append-failed`, `unavailable`: then ask again.
 */
export const undoRepair = async (
  settings: ForgetSettings,
  range: JournalRange,
  { memories, sessions, touched }: Repair,
  reason: string,
): Promise<void> => {
  const { writer, codec, clock } = settings;
  const at = clock();
  const places = [{ topic, ...range }];
  await writer.append(
    touched.map((session) =>
      memoryRecord(codec, cutOf(session, places, { at, untilMs: JOURNAL_KEPT_MS, reason })),
    ),
  );
  // Looked for again behind the cuts: what was made of the stretch while they were written is found, and nothing is made of it after.
  const tenants = new Set([...touched, ...memories].map(({ tenant }) => tenant));
  const isOfStretch = isMadeOf(range);
  const made = await findMemories(settings, {
    matches: (memory) => tenants.has(memory.tenant) && isOfStretch(memory),
  });
  await forgetMemories(settings, made, reason);
  for (const { session, turns } of sessions)
    await settings.sessions.drop(
      session,
      turns.map(({ executionId }) => executionId),
    );
};
