import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { javaCommand } from '../java-command.ts';
import { httpProbe } from '../ready-probe.ts';
import type { ServerCommand } from '../server-command.ts';
import { settingsFile } from '../server-settings.ts';
import { type JavaServerContext, logFileOf } from './server-context.ts';

/**
 * Apicurio, which speaks Confluent's API at /apis/ccompat/v7 and its own at /apis/registry/v2. Keeps its schemas in an H2
 * file: no need to wait for another server, and written out at each commit (WRITE_DELAY=0), since an id forgotten by a
 * kill and given to another schema would make records unreadable.
 */
export const schemaRegistryServer = async (context: JavaServerContext): Promise<ServerCommand> => {
  const directory = join(context.dataDirectory, 'schema-registry');
  await mkdir(directory, { recursive: true });
  const java = javaCommand({
    name: 'schema-registry',
    java: context.java,
    heapMiB: 256,
    properties: {
      'quarkus.config.locations': pathToFileURL(settingsFile('schemaRegistry')).href,
      'quarkus.http.host': '127.0.0.1',
      'quarkus.http.port': String(context.ports.schemaRegistry),
      'apicurio.datasource.url': `jdbc:h2:file:${join(directory, 'registry')};WRITE_DELAY=0`,
      'apicurio.import.work-dir': directory,
      'apicurio.storage.snapshot.location': directory,
    },
    program: ['-jar', context.artifacts.registryJar],
    archiveDirectory: context.artifacts.archiveDirectory,
  });
  return {
    name: 'schemaRegistry',
    command: context.java.command,
    arguments: java.arguments,
    directory,
    environment: context.environment,
    logFile: logFileOf(context, 'schemaRegistry'),
    ports: [context.ports.schemaRegistry],
    isReady: httpProbe(`http://127.0.0.1:${context.ports.schemaRegistry}/apis/ccompat/v7/subjects`),
    readyDeadlineMs: 90_000,
    stopSignal: 'SIGTERM',
    stopDeadlineMs: 30_000,
    afterCleanStop: java.keepArchive,
  };
};
