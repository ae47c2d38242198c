/** Everything that the gateway knows by heart: folds of topics, all of which can be dropped and read again. */
import {
  createFreshnessWindow,
  type FreshnessWindow,
} from '../../pipelines/track-freshness/freshness-window.ts';
import type { Objective } from '../../pipelines/track-freshness/service-level.ts';
import { type ControlView, createControlView } from '../../schemas/control-view.ts';
import type { SourceState } from '../../schemas/records.ts';
import { type AgentTallies, createAgentTallies } from './agent-metrics.ts';
import { type AgentOutcomes, createAgentOutcomes } from './agent-outcomes.ts';
import { type ApprovalList, createApprovalList } from './approval-list.ts';
import { type AuditList, createAuditList } from './audit-list.ts';
import { type CostLedger, createCostLedger } from './cost-ledger.ts';
import { createDeadLetterList, type DeadLetterList } from './dead-letter-list.ts';
import { createExecutionList, type ExecutionList } from './execution-list.ts';
import { createFeedbackList, type FeedbackList } from './feedback-list.ts';
import { createHaltList, type HaltList } from './halt-list.ts';
import { createQuarantineList, type QuarantineList } from './quarantine-list.ts';
import { createRecentChunks, type RecentChunks } from './recent-chunks.ts';
import { createRefusalList, type RefusalList } from './refusal-list.ts';

export interface ReadModels {
  readonly executions: ExecutionList;
  readonly chunks: RecentChunks;
  readonly costs: CostLedger;
  readonly agents: AgentTallies;
  readonly feedback: FeedbackList;
  readonly outcomes: AgentOutcomes;
  readonly deadLetters: DeadLetterList;
  readonly quarantine: QuarantineList;
  readonly halts: HaltList;
  readonly refusals: RefusalList;
  readonly approvals: ApprovalList;
  readonly audit: AuditList;
  /** By source, as the watch of the sources last said. */
  readonly sourceStates: Map<string, SourceState>;
  /** What people ask of agents. */
  readonly control: ControlView;
  freshness(): FreshnessWindow;
  clear(): void;
}

export const createReadModels = (objective: Objective): ReadModels => {
  let freshness = createFreshnessWindow(objective);
  const kept = {
    executions: createExecutionList(),
    chunks: createRecentChunks(),
    costs: createCostLedger(),
    agents: createAgentTallies(),
    feedback: createFeedbackList(),
    outcomes: createAgentOutcomes(),
    deadLetters: createDeadLetterList(),
    quarantine: createQuarantineList(),
    halts: createHaltList(),
    refusals: createRefusalList(),
    approvals: createApprovalList(),
    audit: createAuditList(),
    sourceStates: new Map<string, SourceState>(),
    control: createControlView(),
  };
  return {
    ...kept,
    freshness: () => freshness,
    clear: () => {
      for (const model of Object.values(kept)) model.clear();
      freshness = createFreshnessWindow(objective);
    },
  };
};
