/**
 * The settings that do not depend on where a server runs: files below deploy/, the very ones that docker-compose.yml mounts, so that
 * what is tested natively is what runs in containers.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FILES = {
  kafka: 'kafka/server.properties',
  connect: 'connect/worker.properties',
  schemaRegistry: 'schema-registry/application.properties',
  postgres: 'postgres/postgresql.conf',
  redis: 'redis/redis.conf',
} as const;

export type ServerWithSettings = keyof typeof FILES;

/** Absolute. */
export const settingsFile = (server: ServerWithSettings): string =>
  fileURLToPath(new URL(`../../deploy/${FILES[server]}`, import.meta.url));

export const settingsText = (server: ServerWithSettings): string =>
  readFileSync(settingsFile(server), 'utf8');
