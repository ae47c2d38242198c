/**
 * Decisions of people about refused documents, held in memory from freshet.control, and the changes that they call for again.
 * A decision is carried out where the marker that it names still stands: looked at whenever one comes and whenever a partition
 * is taken on, so that a crash in between loses none, and doing it twice is superseded.
 */
import type { Change } from '../../connectors/debezium/change.ts';
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import { followTopics } from '../../connectors/kafka/follow-topic.ts';
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { Document } from '../../schemas/records.ts';
import {
  decisionOf,
  type IsReleased,
  type ReleaseDecision,
  releasedBy,
} from '../../schemas/release-decision.ts';
import { taskOfResult } from '../../schemas/result-source.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { isVersion, parseVersion, revisionAfter, type Version } from '../../schemas/version.ts';

/** A change to be taken through once more, under a version of its own. */
export interface Redrive {
  readonly record: KafkaRecord;
  readonly version: Version;
  readonly action: ReleaseDecision['action'];
  /** What is taken through in place of what the record says. */
  readonly change?: Change;
}

export interface ReleaseDecisions {
  readonly isReleased: IsReleased;
  /** What stands to be done in a partition now. Errors: `kafka-unavailable`. */
  due(partition: number): Promise<readonly Redrive[]>;
  close(): Promise<void>;
}

export interface ReleaseDecisionsSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly table: Pick<DocumentTable, 'standing' | 'get'>;
  /** Decisions came for a partition. */
  readonly onDecision: (partition: number) => void;
  readonly onTrouble: (error: Error) => void;
}

const READ_WITHIN_MS = 60_000;

/** Resolves when every decision that stands is known. Errors: `kafka-unavailable`. */
export const openReleaseDecisions = async (settings: ReleaseDecisionsSettings): Promise<ReleaseDecisions> => {
  const { kafka, codec, table } = settings;
  const held = new Map<string, ReleaseDecision>();
  const follower = await followTopics(kafka, {
    topics: [TOPICS.control.name],
    name: 'releases',
    onRecord: async (record) => {
      if (record.value === null || record.key?.toString('utf8').startsWith('release:') !== true) return;
      const decision = decisionOf(await codec.decode('Control', record.value));
      if (!decision) return;
      held.set(decision.documentId, decision);
      settings.onDecision(decision.partition);
    },
    onTrouble: settings.onTrouble,
  });

  // A change of released content that came before its decision was read would be refused, and nothing would bring it again.
  if (!(await follower.caughtUp(TOPICS.control.name, READ_WITHIN_MS))) {
    await follower.close();
    throw new FreshetError('kafka-unavailable', `${TOPICS.control.name} could not be read in time`);
  }

  const standing = ({ partition, documentId, version, action }: ReleaseDecision): boolean => {
    const stands = table.standing(partition, documentId);
    return stands?.kind === (action === 'withdraw' ? 'document' : 'refused') && stands.version === version;
  };

  return {
    isReleased: (documentId, contentHash) => releasedBy(held.get(documentId), contentHash),
    due: async (partition) => {
      const decisions = [...held.values()].filter((each) => each.partition === partition && standing(each));
      const redrives: Redrive[] = [];
      const byTopic = new Map<string, Map<number, ReleaseDecision>>();
      for (const decision of decisions) {
        const change = table.get(partition, decision.documentId)?.record.change;
        // A repair's marker stands for no change.
        if (!change || change.offset < 0) continue;
        if (decision.action === 'withdraw') {
          const withdrawn = withdrawalOf(decision, change);
          if (withdrawn) redrives.push(withdrawn);
          continue;
        }
        const wanted = byTopic.get(change.topic) ?? new Map<number, ReleaseDecision>();
        byTopic.set(change.topic, wanted.set(change.offset, decision));
      }
      for (const [topic, wanted] of byTopic) {
        const offsets = [...wanted.keys()];
        const from = new Map([[partition, Math.min(...offsets)]]);
        const to = new Map([[partition, Math.max(...offsets) + 1]]);
        await scanTopic(kafka, { topic, partitions: [partition], from, to }, (record) => {
          const decision = wanted.get(record.offset);
          if (!decision || !isVersion(decision.version)) return;
          redrives.push({ record, version: revisionAfter(decision.version), action: decision.action });
        });
      }
      return redrives;
    },
    close: () => follower.close(),
  };
};

/** The deletion of a result: it asks for nothing of the log, which may have compacted the record away. */
const withdrawalOf = (
  { documentId, version, action, partition }: ReleaseDecision,
  { topic, offset }: Document['change'],
): Redrive | undefined => {
  const task = taskOfResult(documentId);
  if (!task || !isVersion(version)) return undefined;
  const at = Number(parseVersion(version).position[1] ?? 0n);
  return {
    ...{ action, version: revisionAfter(version) },
    record: { topic, partition, offset, timestamp: at / 1_000, key: null, value: null, headers: {} },
    change: {
      ...{ kind: 'delete', table: task.table, key: { id: task.taskId } },
      ...{ version, committedAt: at, capturedAt: at },
    },
  };
};
