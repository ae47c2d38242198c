/** `freshet agents`: tasks → executions, journaled. */
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { openIndex } from '../../connectors/index-service/index-replicas.ts';
import { languageModelFromConfig } from '../../connectors/models/language/language-model-from-config.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { RoleContext, RunningRole } from './role-process.ts';
import { countRuntimeEvents } from './runtime-metrics.ts';

const GRACE_MS = 10_000;

export const startAgentsRole = async ({
  settings,
  config,
  log,
  metrics,
  kafka,
  codec,
  writer,
  fail,
}: RoleContext): Promise<RunningRole> => {
  const worker = await startTaskWorker({
    kafka,
    codec,
    writer,
    retriever: openIndex(settings.index),
    models: [languageModelFromConfig(config.languageModel)],
    agents: config.agents,
    workerName: settings.name,
    concurrency: config.runtime.concurrency,
    localTenant: config.localTenant,
    clock: systemClock,
    log: (level, message, details) => log[level]({ details }, message),
    onEvent: countRuntimeEvents(metrics),
    onFailure: fail,
  });
  const lag = setInterval(() => metrics.consumerLag.set({ stage: 'agents' }, worker.stats().open), 1_000);
  return {
    notReady: () => (worker.stats().partitions.length === 0 ? 'its partitions' : null),
    stop: async () => {
      clearInterval(lag);
      await worker.stop(GRACE_MS);
    },
  };
};
