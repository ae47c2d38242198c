/** `freshet agents`: tasks → executions, journaled. */

import { runnableBehaviours } from '../../agents/behaviours/runnable-behaviours.ts';
import { openAgentMemory } from '../../agents/memory/open-agent-memory.ts';
import { startTaskWorker, type TaskWorker } from '../../agents/runtime/task-worker.ts';
import { openCallGuards } from '../../agents/safety/call-guards.ts';
import { openHeardControls } from '../../agents/safety/heard-controls.ts';
import { createBudgetRebuilder } from '../../agents/safety/rebuild-budgets.ts';
import { closeMcpTools, verifyMcpTools } from '../../agents/tools/mcp-tools.ts';
import { openResultCache } from '../../agents/tools/result-cache.ts';
import { WORKERS } from '../../connectors/guarded-calls/breaker-state.ts';
import { openIndex } from '../../connectors/index-service/index-replicas.ts';
import { languageModelsFromConfig } from '../../connectors/models/language/language-models-from-config.ts';
import { openRedisBudgetLedger } from '../../connectors/redis/redis-budget-ledger.ts';
import { openRedisSharedLimits } from '../../connectors/redis/redis-shared-limits.ts';
import { openSharedBreakers } from '../../connectors/redis/shared-breaker.ts';
import { openSharedCache } from '../../connectors/redis/shared-cache.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { systemClock } from '../../schemas/clock.ts';
import { knownLag, measureLag } from './measure-lag.ts';
import type { RoleContext, RunningRole } from './role-process.ts';
import { logRuntimeEvents } from './runtime-logs.ts';
import { countRuntimeEvents } from './runtime-metrics.ts';
import { spansOfRuntimeEvent } from './runtime-spans.ts';

const GRACE_MS = 10_000;

export const startAgentsRole = async (context: RoleContext): Promise<RunningRole> => {
  const { settings, config, log, metrics, recordSpan, kafka, codec, writer, fail } = context;
  const count = countRuntimeEvents(metrics);
  const logEvent = logRuntimeEvents(log);
  const clock = systemClock;
  const { agents, localTenant } = config;
  // A tool that is not what was approved stops the start; a server that is down is its tools' failure alone.
  const toolsOf = (all: readonly AgentDefinition[]) => all.flatMap((agent) => agent.tools ?? []);
  for (const problem of await verifyMcpTools(toolsOf(agents))) log.warn(problem);
  const { behaviours, refusals } = await runnableBehaviours(config.behaviours);
  for (const refusal of refusals) log.warn(refusal);
  const onTrouble = (error: Error): void => log.warn({ details: error }, error.message);
  const retriever = openIndex(settings.index);
  const limits = await openRedisSharedLimits({ url: settings.redis, group: WORKERS });
  const models = languageModelsFromConfig(config, limits);

  const control = await openHeardControls({ kafka, codec, localTenant, onTrouble });
  const breakers = await openSharedBreakers({ url: settings.redis, group: WORKERS });
  const ledger = await openRedisBudgetLedger({ url: settings.redis, clock });
  const onUnreadable = (position: string, error: Error): void =>
    log.warn({ details: error }, `budgets: ${position} cannot be read`);
  const rebuilder = createBudgetRebuilder({ kafka, codec, ledger, localTenant, onUnreadable });
  const guards = openCallGuards({ breakers, ledger, rebuilder, view: control.view, onTrouble });
  const shared = openSharedCache({ url: settings.redis });

  let worker: TaskWorker | undefined;
  const memory = await openAgentMemory({
    ...{ kafka, codec, writer, retriever, models, agents, clock, localTenant, guards, control },
    redis: settings.redis,
    owned: () => worker?.stats().partitions ?? [],
    onEvent: (event) => {
      if (event.type === 'memory-trouble') onTrouble(event.error);
    },
  });

  worker = await startTaskWorker({
    ...{ kafka, codec, writer, retriever, models, agents, behaviours, clock, localTenant, guards },
    control,
    rolloutOf: (agent) => control.view.rolloutOf(agent)?.rollout,
    memory: memory.memory,
    results: openResultCache({ shared }),
    workerName: settings.name,
    concurrency: config.runtime.concurrency,
    sourceUrls: Object.fromEntries(
      Object.entries(config.sources).map(([name, { url }]) => [
        name,
        url === 'sample' ? settings.sampleUrl : url,
      ]),
    ),
    onOwned: (partition, from) => void memory.recover(partition, from).catch(onTrouble),
    log: (level, message, details) => log[level]({ details }, message),
    sampleRatio: config.telemetry.sampleRatio,
    onEvent: (event) => {
      count(event);
      logEvent(event);
      if (recordSpan) for (const span of spansOfRuntimeEvent(event)) recordSpan(span);
    },
    onFailure: fail,
  });
  const running = worker;
  const endLag = measureLag(metrics, 'agents', systemClock, () => {
    const { open, oldest, current } = running.stats();
    return knownLag({ waiting: open, oldest }, current);
  });
  return {
    notReady: () => (running.stats().partitions.length === 0 ? 'its partitions' : null),
    stop: async () => {
      endLag();
      await running.stop(GRACE_MS);
      await memory.stop();
      await closeMcpTools(toolsOf([...agents, ...config.behaviours]));
      await Promise.all([control.close(), breakers.close(), ledger.close(), limits.close(), shared.close()]);
    },
  };
};
