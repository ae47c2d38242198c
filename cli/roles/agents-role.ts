/** `freshet agents`: tasks → executions, journaled. */
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { closeMcpTools, verifyMcpTools } from '../../agents/tools/mcp-tools.ts';
import { openIndex } from '../../connectors/index-service/index-replicas.ts';
import { languageModelsFromConfig } from '../../connectors/models/language/language-models-from-config.ts';
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
  // A tool that is not what was approved stops the start; a server that is down is its tools' failure alone.
  const tools = config.agents.flatMap((agent) => agent.tools ?? []);
  for (const problem of await verifyMcpTools(tools)) log.warn(problem);
  const worker = await startTaskWorker({
    kafka,
    codec,
    writer,
    retriever: openIndex(settings.index),
    models: languageModelsFromConfig(config),
    agents: config.agents,
    workerName: settings.name,
    concurrency: config.runtime.concurrency,
    localTenant: config.localTenant,
    sourceUrls: Object.fromEntries(
      Object.entries(config.sources).map(([name, { url }]) => [
        name,
        url === 'sample' ? settings.sampleUrl : url,
      ]),
    ),
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
      await closeMcpTools(tools);
    },
  };
};
