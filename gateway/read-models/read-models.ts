/** Everything that the gateway knows by heart: folds of topics, all of which can be dropped and read again. */
import {
  createFreshnessWindow,
  type FreshnessWindow,
} from '../../pipelines/track-freshness/freshness-window.ts';
import type { Objective } from '../../pipelines/track-freshness/service-level.ts';
import type { Quarantined, SourceState } from '../../schemas/records.ts';
import { type CostLedger, createCostLedger } from './cost-ledger.ts';
import { createExecutionList, type ExecutionList } from './execution-list.ts';
import { createRecentChunks, type RecentChunks } from './recent-chunks.ts';
import {
  createRecentRefusals,
  type DeadLetterSummary,
  quarantineGroupOf,
  type RecentRefusals,
} from './recent-refusals.ts';

export interface ReadModels {
  readonly executions: ExecutionList;
  readonly chunks: RecentChunks;
  readonly costs: CostLedger;
  readonly deadLetters: RecentRefusals<DeadLetterSummary>;
  readonly quarantine: RecentRefusals<Quarantined>;
  /** By source, as the watch of the sources last said. */
  readonly sourceStates: Map<string, SourceState>;
  freshness(): FreshnessWindow;
  clear(): void;
}

export const createReadModels = (objective: Objective): ReadModels => {
  let freshness = createFreshnessWindow(objective);
  const kept = {
    executions: createExecutionList(),
    chunks: createRecentChunks(),
    costs: createCostLedger(),
    deadLetters: createRecentRefusals<DeadLetterSummary>((letter) => letter.reason),
    quarantine: createRecentRefusals<Quarantined>(quarantineGroupOf),
    sourceStates: new Map<string, SourceState>(),
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
