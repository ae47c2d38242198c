/** `freshet gateway`: HTTP, event streams, dashboard. */
import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { superviseConnector } from '../../connectors/debezium/supervise-connector.ts';
import { type GuardedName, guardedToolOf, WORKERS } from '../../connectors/guarded-calls/breaker-state.ts';
import { openIndex } from '../../connectors/index-service/index-replicas.ts';
import { openLaneReplicas } from '../../connectors/index-service/lane-replicas.ts';
import { languageModelsFromConfig } from '../../connectors/models/language/language-models-from-config.ts';
import { lookAtBreakers } from '../../connectors/redis/look-at-breakers.ts';
import { openRedisBudgetLedger } from '../../connectors/redis/redis-budget-ledger.ts';
import { openRedisConnection } from '../../connectors/redis/redis-connection.ts';
import { createRedisSessionStore } from '../../connectors/redis/redis-session-store.ts';
import { startGateway } from '../../gateway/start-gateway.ts';
import { systemClock } from '../../schemas/clock.ts';
import { compareIndex } from '../compare-index.ts';
import { askPeers } from './ask-peers.ts';
import type { RoleContext, RunningRole } from './role-process.ts';

/** After a page, which takes some 100 CPU-ms: requests go on. */
const COMPARING_PAUSE_MS = 100;

/** Whatever a worker asks a breaker before: sub-tasks are handed over without one. */
const guardedNames = (config: RoleContext['config']): readonly GuardedName[] => [
  ...languageModelsFromConfig(config).map(({ id }): GuardedName => `model:${id}`),
  ...new Set(
    [...config.agents, ...config.behaviours].flatMap(({ name: agent, tools = [] }) =>
      tools.filter(({ subtask }) => !subtask).map(({ name }) => guardedToolOf(agent, name)),
    ),
  ),
];

export const startGatewayRole = async ({
  settings,
  config,
  log,
  metrics,
  kafka,
  codec,
  writer,
}: RoleContext): Promise<RunningRole> => {
  const connect = openConnectApi(settings.connect);
  // Only looks: restarting what failed is the pipeline role's.
  const watch = Object.keys(config.sources).map((source) => ({
    source,
    supervision: superviseConnector({
      connect: { status: (name) => connect.status(name), restartFailed: async () => undefined },
      connector: sourceNames(source).connector,
      onHealth: () => undefined,
    }),
  }));
  const sessions = createRedisSessionStore(openRedisConnection(settings.redis));
  const redis = openRedisConnection(settings.redis);
  const look = lookAtBreakers(redis, WORKERS);
  const names = guardedNames(config);
  const budgets = await openRedisBudgetLedger({ url: settings.redis, clock: systemClock });
  const gateway = await startGateway({
    kafka,
    codec,
    writer,
    index: openIndex(settings.index),
    lanes: openLaneReplicas(settings.index),
    compare: (asked) =>
      compareIndex(
        {
          ...{ config, index: settings.index, models: settings.models, kafka, codec, writer },
          urlOf: (source) => {
            const { url } = config.sources[source] ?? { url: '' };
            return url === 'sample' ? settings.sampleUrl : url;
          },
          pauseMs: COMPARING_PAUSE_MS,
        },
        asked,
      ),
    sessions,
    budgets,
    breakers: async () => {
      const states = await look(names);
      return states.map((breaker, at) => ({ name: names[at] ?? 'tool:', breaker }));
    },
    agents: config.agents,
    config,
    clock: systemClock,
    host: '127.0.0.1',
    port: settings.port,
    connectStatus: async () =>
      watch.map(({ source, supervision }) => {
        const health = supervision.health();
        return {
          source,
          state: health?.kind ?? 'waiting',
          ...(health?.kind === 'failed' ? { reason: health.reason } : {}),
        };
      }),
    roleMetrics: askPeers(settings.peers),
    metrics,
    onEvent: (event) => log.warn({ ...event, err: event.error }, event.type),
  });
  return {
    notReady: () => gateway.notReady(),
    server: { url: gateway.url, close: () => gateway.close() },
    stop: async () => {
      await Promise.all(watch.map(({ supervision }) => supervision.stop()));
      await sessions.close();
      await budgets.close();
      await redis.close();
    },
  };
};
