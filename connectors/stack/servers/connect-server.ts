import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { javaCommand } from '../java-command.ts';
import { httpProbe } from '../ready-probe.ts';
import type { ServerCommand } from '../server-command.ts';
import { settingsText } from '../server-settings.ts';
import { LOG4J_FILE } from './kafka-server.ts';
import { type ConnectServerContext, logFileOf, propertiesText } from './server-context.ts';

/** One Connect worker. It waits for the broker itself, so both may start at the same time. */
export const connectServer = async (context: ConnectServerContext): Promise<ServerCommand> => {
  const directory = join(context.dataDirectory, 'connect');
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'worker.properties');
  await writeFile(
    file,
    settingsText('connect') + propertiesText({ ...workerPlaces(context), ...context.workerSettings }),
  );
  const java = javaCommand({
    name: 'connect',
    java: context.java,
    heapMiB: 512,
    properties: { 'log4j2.configurationFile': LOG4J_FILE },
    program: [
      '-cp',
      join(context.artifacts.kafkaDirectory, '*'),
      'org.apache.kafka.connect.cli.ConnectDistributed',
      file,
    ],
    archiveDirectory: context.artifacts.archiveDirectory,
  });
  return {
    name: 'connect',
    command: context.java.command,
    arguments: java.arguments,
    directory,
    environment: context.environment,
    logFile: logFileOf(context, 'connect'),
    ports: [context.ports.connect],
    isReady: httpProbe(`http://127.0.0.1:${context.ports.connect}/health`),
    readyDeadlineMs: 120_000,
    stopSignal: 'SIGTERM',
    stopDeadlineMs: 30_000,
    afterCleanStop: java.keepArchive,
  };
};

/** What deploy/connect/worker.properties leaves open. */
const workerPlaces = ({
  ports,
  artifacts,
  pluginFolders,
}: ConnectServerContext): Record<string, string | number> => ({
  'bootstrap.servers': `127.0.0.1:${ports.kafka}`,
  listeners: `http://127.0.0.1:${ports.connect}`,
  'rest.advertised.host.name': '127.0.0.1',
  'rest.advertised.port': ports.connect,
  'plugin.path': [artifacts.pluginDirectory, ...pluginFolders].join(','),
});
