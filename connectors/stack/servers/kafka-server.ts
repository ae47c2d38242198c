import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { toError } from '../../../schemas/errors.ts';
import { javaCommand } from '../java-command.ts';
import { socketProbe } from '../ready-probe.ts';
import type { ServerCommand } from '../server-command.ts';
import { freeBytesAt, serverFailure } from '../server-failure.ts';
import { settingsText } from '../server-settings.ts';
import { type JavaServerContext, logFileOf, propertiesText } from './server-context.ts';

const run = promisify(execFile);
export const LOG4J_FILE = fileURLToPath(new URL('log4j2.properties', import.meta.url));

/** A broker that is its own controller. Formats its folder on the first start. */
export const kafkaServer = async (context: JavaServerContext): Promise<ServerCommand> => {
  const directory = join(context.dataDirectory, 'kafka');
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'server.properties');
  const logs = join(directory, 'logs');
  await writeFile(file, settingsText('kafka') + propertiesText(brokerPlaces(context, logs)));
  const classpath = join(context.artifacts.kafkaDirectory, '*');
  const java = javaCommand({
    name: 'kafka',
    java: context.java,
    heapMiB: 512,
    properties: { 'log4j2.configurationFile': LOG4J_FILE },
    program: ['-cp', classpath, 'kafka.Kafka', file],
    archiveDirectory: context.artifacts.archiveDirectory,
  });
  if (!existsSync(join(logs, 'meta.properties'))) await format(context, file, logs);
  return {
    name: 'kafka',
    command: context.java.command,
    arguments: java.arguments,
    directory,
    environment: context.environment,
    logFile: logFileOf(context, 'kafka'),
    ports: [context.ports.kafka, context.ports.kafkaController],
    isReady: socketProbe(context.ports.kafka, METADATA_REQUEST, listsBroker),
    readyDeadlineMs: 90_000,
    stopSignal: 'SIGTERM',
    stopDeadlineMs: 30_000,
    afterCleanStop: java.keepArchive,
  };
};

/** What deploy/kafka/server.properties leaves open. */
const brokerPlaces = ({ ports }: JavaServerContext, logs: string): Record<string, string> => ({
  'controller.quorum.voters': `1@127.0.0.1:${ports.kafkaController}`,
  listeners: `PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${ports.kafkaController}`,
  'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.kafka}`,
  'log.dirs': logs,
});

/** A folder half formatted by a killed start is made anew: it holds no records yet, for meta.properties is written last. */
const format = async (context: JavaServerContext, file: string, logs: string): Promise<void> => {
  await rm(logs, { recursive: true, force: true });
  const cluster = randomBytes(16).toString('base64url').replace(/^-/, 'a');
  const java = javaCommand({
    name: 'kafka',
    java: context.java,
    heapMiB: 128,
    properties: { 'log4j2.configurationFile': LOG4J_FILE },
    program: [
      '-cp',
      join(context.artifacts.kafkaDirectory, '*'),
      'kafka.tools.StorageTool',
      'format',
      '-t',
      cluster,
      '-c',
      file,
    ],
    archiveDirectory: context.artifacts.archiveDirectory,
  });
  // Never the one that writes the archive: it knows few of the broker's classes.
  const words = java.arguments.filter((word) => !word.startsWith('-XX:ArchiveClassesAtExit'));
  try {
    await run(context.java.command, words, { env: { ...context.environment }, timeout: 90_000 });
  } catch (error) {
    throw serverFailure({
      ...{ server: 'kafka', what: 'could not format its folder', log: toError(error).message, logFile: logs },
      freeBytes: await freeBytesAt(context.dataDirectory),
    });
  }
};

// Metadata, version 1, of no topics. Brokers are listed once the controller has let them in, not when the port opens.
const METADATA_REQUEST = Buffer.from('0000001300030001000000010005726561647900000000', 'hex');
const listsBroker = (reply: Buffer): boolean | undefined =>
  reply.length < 12 ? undefined : reply.readInt32BE(8) > 0;
