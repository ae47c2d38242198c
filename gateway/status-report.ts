/** How the whole stands: ends of topics, lag of groups, connectors, roles. Each part may fail by itself and says so. */
import type { IndexService, IndexStatus } from '../connectors/index-service/index-service.ts';
import type { KafkaClient, PartitionOffsets } from '../connectors/kafka/kafka.ts';
import type { AgentDefinition } from '../schemas/agent-definition.ts';
import type { Clock } from '../schemas/clock.ts';
import type { FreshetConfig } from '../schemas/config.ts';
import { toFreshetError } from '../schemas/errors.ts';
import { AGENTS_GROUP, INDEX_DOCUMENTS_GROUP } from '../schemas/groups.ts';
import type { SourceState } from '../schemas/records.ts';
import { changeTopic, TOPICS } from '../schemas/topics.ts';
import { behindOf, recordsBehind } from './committed-lag.ts';
import type { DeadLetterKind } from './read-models/dead-letter-list.ts';
import { type DeadLetterView, deadLetterKindOf } from './views/dead-letter-kinds.ts';
import { comparisonsOf, type TableComparison } from './views/role-comparisons.ts';
import {
  backlogOf,
  countersOf,
  type GateRefusals,
  gateRefusalsOf,
  type RecordCounter,
  type RoleMetrics,
  type StageBacklog,
} from './views/role-counters.ts';
import { isoTime } from './views/times.ts';

/** How a connector stands, as the page shows it. */
export interface ConnectorState {
  readonly source: string;
  /** running, waiting, paused, missing, unreachable or failed. */
  readonly state: string;
  readonly reason?: string;
}

export interface TopicStatus {
  readonly topic: string;
  readonly partitions: number;
  /** Offsets between the earliest and the end: records, less what compaction took. */
  readonly records: number;
  readonly ends: Readonly<Record<string, number>>;
}

export interface GroupLag {
  readonly group: string;
  readonly topic: string;
  /** Null where the group has committed nothing yet. */
  readonly lag: number | null;
}

export interface Trouble {
  readonly part: string;
  readonly code: string;
  readonly detail: string;
}

export interface SourceStatus {
  readonly source: string;
  readonly state: SourceState['state'];
  readonly reason: string | null;
  readonly epoch: number;
  readonly retainedWalBytes: number | null;
  readonly tables: readonly {
    readonly table: string;
    readonly state: string;
    readonly reason: string | null;
  }[];
}

const sourceStatusOf = ({
  source,
  state,
  reason,
  epoch,
  retainedWalBytes,
  tables,
}: SourceState): SourceStatus => ({
  ...{ source, state, reason, epoch, retainedWalBytes },
  tables: tables.map(({ table, state: is, reason: why }) => ({ table, state: is, reason: why })),
});

export interface StatusReport {
  readonly at: string;
  readonly ready: boolean;
  readonly waitingFor: string | null;
  readonly topics: readonly TopicStatus[];
  readonly lags: readonly GroupLag[];
  readonly connectors: readonly ConnectorState[];
  /** As the watch of the sources last said. */
  readonly sources: readonly SourceStatus[];
  /** How far each stage is behind, in the order of the flow. */
  readonly backlog: readonly StageBacklog[];
  readonly agents: readonly { readonly name: string; readonly version: string }[];
  /** The tenant that a request without one works as. */
  readonly localTenant: string;
  readonly index: IndexStatus | null;
  /** Records by stage and outcome since each role started. */
  readonly records: readonly RecordCounter[];
  /** By gate, since each pipeline role started; null: not known. */
  readonly gateRefusals: readonly GateRefusals[] | null;
  /** Of the index with its sources, as they were last made in the background. */
  readonly comparisons: readonly TableComparison[];
  readonly deadLetters: number;
  readonly deadLetterKinds: readonly DeadLetterView[];
  readonly quarantined: number;
  /** When quarantine last changed; null: nothing was ever in it. */
  readonly quarantineChangedAt: string | null;
  readonly troubles: readonly Trouble[];
}

/** What is asked how it stands. */
export interface StatusSettings {
  readonly kafka: KafkaClient;
  readonly index: Pick<IndexService, 'status'>;
  readonly config: Pick<FreshetConfig, 'sources' | 'localTenant'>;
  readonly agents: readonly Pick<AgentDefinition, 'name' | 'version'>[];
  readonly clock: Clock;
  readonly connectStatus?: () => Promise<readonly ConnectorState[]>;
  /** Of the other roles, to be answered with this one's; those that are silent are among them. */
  readonly roleMetrics?: () => Promise<readonly RoleMetrics[]>;
}

const topicStatusOf = ([topic, offsets]: readonly [string, readonly PartitionOffsets[]]): TopicStatus => ({
  topic,
  partitions: offsets.length,
  records: offsets.reduce((sum, each) => sum + each.latest - each.earliest, 0),
  ends: Object.fromEntries(offsets.map((each) => [String(each.partition), each.latest])),
});

const lagOf = async (
  kafka: KafkaClient,
  group: string,
  topic: string,
  offsets: readonly PartitionOffsets[],
): Promise<GroupLag> => {
  const committed = await kafka.admin.committed(group, topic);
  const lag = committed.size === 0 ? null : recordsBehind(behindOf(offsets, committed));
  return { group, topic, lag };
};

export const reportStatus = async (
  settings: StatusSettings,
  known: {
    readonly waitingFor: string | null;
    readonly deadLetters: readonly DeadLetterKind[];
    readonly quarantined: number;
    readonly quarantineChangedAt: number | null;
    readonly sources: readonly SourceState[];
  },
): Promise<StatusReport> => {
  const { kafka, index, config, clock } = settings;
  const troubles: Trouble[] = [];
  const part = async <T>(name: string, fallback: T, action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (thrown) {
      const error = toFreshetError(thrown);
      troubles.push({ part: name, code: error.code, detail: error.message });
      return fallback;
    }
  };
  const changeTopics = Object.keys(config.sources).map((source) => changeTopic(source).name);
  const names = [...changeTopics, ...Object.values(TOPICS).map((topic) => topic.name)];

  const [offsets, connectors, indexStatus, roles] = await Promise.all([
    part('kafka', [], async () => {
      const present = new Set(await kafka.admin.listTopics());
      return Promise.all(
        names
          .filter((name) => present.has(name))
          .map(async (topic) => [topic, await kafka.admin.offsets(topic)] as const),
      );
    }),
    part('connect', [], async () => (await settings.connectStatus?.()) ?? []),
    part('index', null, () => index.status()),
    part('roles', [], async () => (await settings.roleMetrics?.()) ?? []),
  ]);
  const topics = offsets.map(topicStatusOf);
  const offsetsOf = new Map(offsets);
  const lags = await part('kafka', [], async () => {
    const wanted = [
      ...changeTopics.map((topic) => [INDEX_DOCUMENTS_GROUP, topic] as const),
      [AGENTS_GROUP, TOPICS.tasks.name] as const,
    ];
    return Promise.all(
      wanted.flatMap(([group, topic]) => {
        const known = offsetsOf.get(topic);
        return known ? [lagOf(kafka, group, topic, known)] : [];
      }),
    );
  });
  const documents = topics.find(({ topic }) => topic === TOPICS.documents.name);
  const indexLag: readonly GroupLag[] =
    documents && indexStatus
      ? [
          {
            group: `index ${indexStatus.name}`,
            topic: documents.topic,
            lag: Object.entries(documents.ends).reduce(
              (sum, [partition, end]) => sum + Math.max(0, end - (indexStatus.positions[partition] ?? 0)),
              0,
            ),
          },
        ]
      : [];
  return {
    at: new Date(clock() / 1_000).toISOString(),
    ready: known.waitingFor === null && troubles.length === 0,
    waitingFor: known.waitingFor,
    topics,
    lags: [...lags, ...indexLag],
    backlog: backlogOf(roles),
    connectors,
    sources: known.sources.map(sourceStatusOf),
    agents: settings.agents.map(({ name, version }) => ({ name, version })),
    localTenant: config.localTenant,
    index: indexStatus,
    records: countersOf(roles),
    gateRefusals: gateRefusalsOf(roles),
    comparisons: comparisonsOf(roles),
    deadLetters: known.deadLetters.reduce((sum, { count }) => sum + count, 0),
    deadLetterKinds: known.deadLetters.map(deadLetterKindOf),
    quarantined: known.quarantined,
    quarantineChangedAt: known.quarantineChangedAt === null ? null : isoTime(known.quarantineChangedAt),
    troubles,
  };
};
