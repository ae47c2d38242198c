import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { socketProbe } from '../ready-probe.ts';
import type { ServerCommand } from '../server-command.ts';
import { settingsFile } from '../server-settings.ts';
import { logFileOf, type RedisServerContext } from './server-context.ts';

/** Redis without persistence: it holds caches and counters, all of which can be rebuilt from Kafka. */
export const redisServer = async (context: RedisServerContext): Promise<ServerCommand> => {
  const directory = join(context.dataDirectory, 'redis');
  await mkdir(directory, { recursive: true });
  const port = context.ports.redis;
  return {
    name: 'redis',
    command: context.redis.command,
    argv0: context.redis.argv0,
    arguments: [
      settingsFile('redis'),
      ...['--port', String(port), '--bind', '127.0.0.1', '--protected-mode', 'yes', '--dir', directory],
    ],
    directory,
    environment: context.environment,
    logFile: logFileOf(context, 'redis'),
    ports: [port],
    isReady: socketProbe(port, 'PING\r\n', (reply) =>
      reply.length < 5 ? undefined : reply.toString('latin1').startsWith('+PONG'),
    ),
    readyDeadlineMs: 20_000,
    stopSignal: 'SIGTERM',
    stopDeadlineMs: 10_000,
  };
};
