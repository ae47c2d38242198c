/** What the routes work with. */

import type { Breaker, GuardedName } from '../connectors/guarded-calls/breaker-state.ts';
import type { IndexService } from '../connectors/index-service/index-service.ts';
import type { LaneService } from '../connectors/index-service/lane-service.ts';
import type { RecordWriter } from '../connectors/kafka/record-writer.ts';
import type { PayloadReader } from '../connectors/payloads/payload-reader.ts';
import type { SessionStore } from '../connectors/redis/session-store.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import type { Metrics } from '../connectors/telemetry/metrics.ts';
import type { ReconcileSourcesSettings, ReplicaReport } from '../pipelines/reconcile/reconcile-sources.ts';
import type { FreshnessReport } from '../pipelines/track-freshness/freshness-report.ts';
import type { AgentDefinition } from '../schemas/agent-definition.ts';
import type { BudgetLedger } from '../schemas/budget-ledger.ts';
import type { FreshetConfig } from '../schemas/config.ts';
import type { FreshetError } from '../schemas/errors.ts';
import type { AdmitTask } from './admit-task.ts';
import type { FindOlder } from './find-older.ts';
import type { FindQuarantined } from './find-quarantined.ts';
import type { EventStreams } from './http/event-stream.ts';
import type { ReadModels } from './read-models/read-models.ts';
import type { TopicReader } from './read-models/read-topics.ts';
import type { StatusReport, StatusSettings } from './status-report.ts';
import type { SubmitTask } from './submit-task.ts';
import type { SafetyAsked, SafetyView } from './views/safety-view.ts';
import type { RolloutWatch } from './watched-rollout.ts';

export type GatewayEvent =
  | {
      readonly type: 'unreadable';
      readonly topic: string;
      readonly position: string;
      readonly error: FreshetError;
    }
  /** Reading from Kafka failed and is tried again. */
  | { readonly type: 'read-trouble'; readonly error: FreshetError }
  /** A canary could not be looked at, or rolled back: it is tried again. */
  | { readonly type: 'rollout-trouble'; readonly error: FreshetError }
  /** Agents could not be held against the policy of alerts, or an alert not be written: it is tried again. */
  | { readonly type: 'alert-trouble'; readonly error: FreshetError }
  /** What is outdated could not be removed from freshet.control: it is tried again. */
  | { readonly type: 'sweep-trouble'; readonly error: FreshetError }
  /** A request failed inside. */
  | { readonly type: 'request-failed'; readonly path: string; readonly error: FreshetError };

/** What of the sources is compared with the index, and mended where asked. */
export type ComparisonAsked = Pick<
  ReconcileSourcesSettings,
  'source' | 'table' | 'repair' | 'onRepair' | 'onProgress' | 'signal'
>;

export interface GatewaySettings extends StatusSettings {
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  readonly index: IndexService;
  /** Of all index replicas; without it the embedding model is not changed here. */
  readonly lanes?: LaneService;
  /** Yields a report a table; without it the index is not compared with the sources here. */
  readonly compare?: (asked: ComparisonAsked) => AsyncIterable<ReplicaReport>;
  /** Of agents' conversations; without it they are neither shown nor forgotten. */
  readonly sessions?: SessionStore;
  readonly agents: readonly AgentDefinition[];
  readonly config: FreshetConfig;
  /** Loopback: without credentials nothing else is allowed. */
  readonly host: '127.0.0.1' | '::1' | 'localhost';
  /** 0: any free one. */
  readonly port: number;
  readonly metrics: Metrics;
  /** What was spent today, where there is a ledger to ask. */
  readonly budgets?: Pick<BudgetLedger, 'spending'>;
  /** Of every model and tool, as workers share them. */
  readonly breakers?: () => Promise<readonly { readonly name: GuardedName; readonly breaker: Breaker }[]>;
  /** How often agents are held against the policy of alerts. */
  readonly alertsEveryMs?: number;
  /** How often what is outdated is removed from freshet.control. */
  readonly sweepEveryMs?: number;
  readonly onEvent: (event: GatewayEvent) => void;
}

export interface GatewayContext {
  readonly settings: GatewaySettings;
  readonly models: ReadModels;
  readonly reader: TopicReader;
  readonly findOlder: FindOlder;
  readonly findQuarantined: FindQuarantined;
  readonly payloads: PayloadReader;
  readonly admitTask: AdmitTask;
  readonly submitTask: SubmitTask;
  readonly streams: EventStreams;
  /** Of this moment, computed at most once in a while however many ask. */
  readonly freshness: () => FreshnessReport;
  readonly status: () => Promise<StatusReport>;
  readonly safety: (asked: SafetyAsked) => Promise<SafetyView>;
  readonly rollouts: RolloutWatch;
}
