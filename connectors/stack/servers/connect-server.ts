import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_RECORD_BYTES } from '../../../schemas/topics.ts';
import { javaCommand } from '../java-command.ts';
import { httpProbe } from '../ready-probe.ts';
import type { ServerCommand } from '../server-process.ts';
import { LOG4J_FILE } from './kafka-server.ts';
import { type ConnectServerContext, logFileOf, propertiesText } from './server-context.ts';

/** One Connect worker. It waits for the broker itself, so both may start at the same time. */
export const connectServer = async (context: ConnectServerContext): Promise<ServerCommand> => {
  const directory = join(context.dataDirectory, 'connect');
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'worker.properties');
  await writeFile(file, propertiesText(workerSettings(context)));
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

const workerSettings = ({
  ports,
  artifacts,
  pluginFolders,
}: ConnectServerContext): Record<string, string | number> => ({
  'bootstrap.servers': `127.0.0.1:${ports.kafka}`,
  'group.id': 'freshet-connect',
  listeners: `http://127.0.0.1:${ports.connect}`,
  'rest.advertised.host.name': '127.0.0.1',
  'rest.advertised.port': ports.connect,
  'plugin.path': [artifacts.pluginDirectory, ...pluginFolders].join(','),
  // Scanning every jar for plugins takes seconds.
  'plugin.discovery': 'service_load',
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'config.storage.topic': 'freshet.connect-configs',
  'config.storage.replication.factor': 1,
  'offset.storage.topic': 'freshet.connect-offsets',
  'offset.storage.replication.factor': 1,
  'offset.storage.partitions': 1,
  'status.storage.topic': 'freshet.connect-status',
  'status.storage.replication.factor': 1,
  'status.storage.partitions': 1,
  // The watermark can be no younger than the last flush.
  'offset.flush.interval.ms': 250,
  'scheduled.rebalance.max.delay.ms': 0,
  // A worker killed and started again waits until its old self is given up.
  'session.timeout.ms': 6000,
  'heartbeat.interval.ms': 2000,
  // Connectors set their producers' linger.ms.
  'connector.client.config.override.policy': 'All',
  'producer.max.request.size': MAX_RECORD_BYTES,
});
