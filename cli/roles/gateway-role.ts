/** `freshet gateway`: HTTP, event streams, dashboard. */
import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { superviseConnector } from '../../connectors/debezium/supervise-connector.ts';
import { openIndex } from '../../connectors/index-service/index-replicas.ts';
import { openRedisBudgetLedger } from '../../connectors/redis/redis-budget-ledger.ts';
import { openRedisConnection } from '../../connectors/redis/redis-connection.ts';
import { createRedisSessionStore } from '../../connectors/redis/redis-session-store.ts';
import { startGateway } from '../../gateway/start-gateway.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { RoleContext, RunningRole } from './role-process.ts';

const PEER_WITHIN_MS = 1_000;

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
  const budgets = await openRedisBudgetLedger({ url: settings.redis, clock: systemClock });
  const gateway = await startGateway({
    kafka,
    codec,
    writer,
    index: openIndex(settings.index),
    sessions,
    budgets,
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
    // A role that does not answer is missing from the sum, not a failure of the whole.
    roleMetrics: async () =>
      (
        await Promise.allSettled(
          settings.peers.map(
            async (peer) =>
              (
                await fetch(`${peer}/metrics.json`, { signal: AbortSignal.timeout(PEER_WITHIN_MS) })
              ).json() as Promise<unknown>,
          ),
        )
      ).flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])),
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
    },
  };
};
