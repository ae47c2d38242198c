/**
 * Decisions of people about refused documents, held in memory from freshet.control, and the changes that they call for again.
 * A decision is carried out where the marker that it names still stands: looked at whenever one comes and whenever a partition
 * is taken on, so that a crash in between loses none, and doing it twice is superseded.
 */
import type { Change } from '../../connectors/debezium/change.ts';
import type { ReadChange } from '../../connectors/debezium/read-change.ts';
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import { followTopics } from '../../connectors/kafka/follow-topic.ts';
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { AGENT_SOURCES } from '../../schemas/agent-sources.ts';
import { documentIdIfAny, placeOfDocument } from '../../schemas/document-id.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { Document } from '../../schemas/records.ts';
import {
  decisionOf,
  documentOfControlKey,
  type FindRelease,
  type ReleaseDecision,
  releaseOf,
} from '../../schemas/release-decision.ts';
import { taskOfResult } from '../../schemas/result-source.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { isVersion, makeVersion, parseVersion, revisionAfter, type Version } from '../../schemas/version.ts';
import { createHeldDecisions } from './held-decisions.ts';

/** A change to be taken through once more, under a version of its own. */
export interface Redrive {
  readonly record: KafkaRecord;
  readonly documentId: string;
  readonly version: Version;
  readonly action: ReleaseDecision['action'];
  /** What is taken through in place of what the record says. */
  readonly change?: Change;
}

export interface ReleaseDecisions {
  readonly releaseOf: FindRelease;
  /** About documents of a partition; oldest first. */
  about(partition: number): Iterable<ReleaseDecision>;
  /** Its document stands as it was decided about. */
  stands(decision: ReleaseDecision): boolean;
  /** What decisions about documents of a partition call for. Errors: `kafka-unavailable`. */
  redrivesOf(partition: number, decisions: readonly ReleaseDecision[]): Promise<readonly Redrive[]>;
  close(): Promise<void>;
}

export interface ReleaseDecisionsSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly table: Pick<DocumentTable, 'standing' | 'get'>;
  readonly readChange: (record: KafkaRecord) => Promise<ReadChange>;
  /** Decisions came for a partition. */
  readonly onDecision: (partition: number) => void;
  readonly onTrouble: (error: Error) => void;
}

const READ_WITHIN_MS = 60_000;

/** Resolves when every decision that stands is known. Errors: `kafka-unavailable`. */
export const openReleaseDecisions = async (settings: ReleaseDecisionsSettings): Promise<ReleaseDecisions> => {
  const { kafka, codec, table } = settings;
  const held = createHeldDecisions();
  const follower = await followTopics(kafka, {
    topics: [TOPICS.control.name],
    name: 'releases',
    onRecord: async (record) => {
      const documentId = documentOfControlKey(record.key?.toString('utf8') ?? '');
      if (documentId === undefined) return;
      if (record.value === null) return held.forget(documentId);
      const decision = decisionOf(await codec.decode('Control', record.value));
      if (!decision) return;
      held.set(decision);
      settings.onDecision(decision.partition);
    },
    onTrouble: settings.onTrouble,
  });

  // A change of released content that came before its decision was read would be refused, and nothing would bring it again.
  if (!(await follower.caughtUp(TOPICS.control.name, READ_WITHIN_MS))) {
    await follower.close();
    throw new FreshetError('kafka-unavailable', `${TOPICS.control.name} could not be read in time`);
  }

  const stands = ({ partition, documentId, version, action }: ReleaseDecision): boolean => {
    const held = table.standing(partition, documentId);
    return held?.kind === (action === 'withdraw' ? 'document' : 'refused') && held.version === version;
  };

  return {
    releaseOf: (documentId) => releaseOf(held.get(documentId)),
    about: held.about,
    stands,
    redrivesOf: async (partition, decisions) => {
      const redrives: Redrive[] = [];
      const byTopic = new Map<string, Map<number, Decided>>();
      for (const decision of decisions) {
        const change = table.get(partition, decision.documentId)?.record.change;
        // A repair's marker stands for no change.
        if (!change || change.offset < 0 || !isVersion(decision.version)) continue;
        const decided = { ...decision, version: decision.version };
        if (decision.action === 'withdraw') {
          const withdrawn = withdrawalOf(decided, change);
          if (withdrawn) redrives.push(withdrawn);
          continue;
        }
        const wanted = byTopic.get(change.topic) ?? new Map<number, Decided>();
        byTopic.set(change.topic, wanted.set(change.offset, decided));
      }
      for (const [topic, wanted] of byTopic) {
        const look: Look = (first, end, onRecord) => {
          const from = new Map([[partition, first]]);
          const to = new Map(end === undefined ? [] : [[partition, end]]);
          return scanTopic(kafka, { topic, partitions: [partition], from, to }, onRecord);
        };
        const { stand, rewritten } = await decidedRecords(wanted, look);
        redrives.push(...stand.map(redriveOf));
        for (const each of rewritten) {
          const redrive = await redriveOfRewritten(settings.readChange, each);
          if (redrive) redrives.push(redrive);
        }
      }
      return redrives;
    },
    close: () => follower.close(),
  };
};

/** The deletion of a result: it asks for nothing of the log, which may have compacted the record away. */
const withdrawalOf = (
  { documentId, version, action, partition }: Decided,
  { topic, offset }: Document['change'],
): Redrive | undefined => {
  const task = taskOfResult(documentId);
  if (!task) return undefined;
  const at = Number(parseVersion(version).position[1] ?? 0n);
  return {
    ...{ documentId, action, version: revisionAfter(version) },
    record: { topic, partition, offset, timestamp: at / 1_000, key: null, value: null, headers: {} },
    change: {
      ...{ kind: 'delete', table: task.table, key: { id: task.taskId } },
      ...{ version, committedAt: at, capturedAt: at },
    },
  };
};

type Decided = ReleaseDecision & { readonly version: Version };
interface DecidedRecord {
  readonly decision: Decided;
  readonly record: KafkaRecord;
}

/** Reads the partition of a change topic from an offset to before another, or to its end. */
type Look = (
  from: number,
  before: number | undefined,
  onRecord: (record: KafkaRecord) => void,
) => Promise<void>;

/**
 * The records that decisions are about, by the offsets of their changes. Where compaction took one away, a newer one of its key says
 * the same as it did, or what holds by now: without it, the decision would be lost and nobody would learn of it.
 */
export const decidedRecords = async (
  wanted: ReadonlyMap<number, Decided>,
  look: Look,
): Promise<{ readonly stand: readonly DecidedRecord[]; readonly rewritten: readonly DecidedRecord[] }> => {
  const stand: DecidedRecord[] = [];
  const missing = new Map(wanted);
  await look(Math.min(...wanted.keys()), Math.max(...wanted.keys()) + 1, (record) => {
    const decision = missing.get(record.offset);
    if (!decision) return;
    missing.delete(record.offset);
    // Without the fetch that it came in: few are wanted of many, and all of them are held.
    stand.push({ decision, record: { ...record, value: record.value && Buffer.from(record.value) } });
  });
  const byKey = new Map<string, Decided>();
  for (const decision of missing.values()) {
    const place = placeOfDocument(decision.documentId);
    if (place && AGENT_SOURCES.has(place.source)) byKey.set(place.key, decision);
  }
  if (byKey.size === 0) return { stand, rewritten: [] };
  const newest = new Map<string, DecidedRecord>();
  await look(Math.min(...missing.keys()), undefined, (record) => {
    const key = record.key?.toString('utf8') ?? '';
    const decision = byKey.get(key);
    if (decision) newest.set(key, { decision, record });
  });
  return { stand, rewritten: [...newest.values()] };
};

const redriveOf = ({ decision: { documentId, version, action }, record }: DecidedRecord): Redrive => ({
  record,
  documentId,
  action,
  version: revisionAfter(version),
});

/** Where a topic was made anew, another's change, or none, may stand at the offset of the one that was decided about. */
export const isChangeOf = (documentId: string, source: string, read: ReadChange): boolean => {
  if (read.kind === 'unreadable') return true;
  if (read.kind !== 'change' || read.change.kind === 'truncate') return false;
  return documentIdIfAny(source, read.change.table, read.change.key) === documentId;
};

/** Under the time of what was decided about: no source could be asked for a row whose version is another. */
export const redriveOfRewritten = async (
  readChange: ReleaseDecisionsSettings['readChange'],
  { decision, record }: DecidedRecord,
): Promise<Redrive | undefined> => {
  const read = await readChange(record);
  if (read.kind !== 'change') return undefined;
  const { epoch, position } = parseVersion(decision.version);
  const version = makeVersion(epoch, [position[0] ?? 0n, position[1] ?? 0n]);
  return { ...redriveOf({ decision, record }), change: { ...read.change, version } };
};
