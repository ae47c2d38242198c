/** Every setting of the files that docker-compose.yml mounts is one that the native server runs with, by its own word where it has one. */
import { readFile } from 'node:fs/promises';
import { connect as openSocket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
import {
  type ServerWithSettings,
  settingsFile,
  settingsText,
} from '../../../connectors/stack/server-settings.ts';
import { settingsOf } from '../../support/settings-of.ts';

const BROKER = 4;

const commandLine = async (server: ServerWithSettings): Promise<readonly string[]> =>
  (await readFile(`/proc/${inject('stack').pids[server]}/cmdline`, 'utf8')).split('\0');

test('the broker', async () => {
  const kafka = new Kafka({ brokers: [inject('stack').kafka], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: BROKER, name: '1' }],
    });
    const said = Object.fromEntries(
      resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]) ?? [],
    );
    expect(said).toMatchObject(settingsOf(settingsText('kafka')));
  } finally {
    await admin.disconnect();
  }
});

test('Postgres', async () => {
  const client = new Client({ connectionString: inject('stack').postgres.url });
  await client.connect();
  try {
    for (const [name, value] of Object.entries(settingsOf(settingsText('postgres')))) {
      const { rows } = await client.query<{ value: string }>('SELECT current_setting($1) AS value', [name]);
      expect([name, rows[0]?.value]).toEqual([name, value]);
    }
  } finally {
    await client.end();
  }
});

/** Redis's answer to CONFIG GET of one name. */
const redisSetting = (name: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(inject('stack').redis);
    const socket = openSocket(Number(port), hostname, () => socket.end(`CONFIG GET ${name}\r\nQUIT\r\n`));
    let answer = '';
    socket.on('data', (bytes) => (answer += String(bytes)));
    socket.once('error', reject);
    // *2, $n, name, $n, value
    socket.once('close', () => resolve(answer.split('\r\n')[4] ?? 'no answer'));
  });

test('Redis', async () => {
  for (const [name, value] of Object.entries(settingsOf(settingsText('redis'))))
    expect([name, await redisSetting(name)]).toEqual([name, value]);
});

test('Connect, by the file it was started with', async () => {
  const file = (await commandLine('connect')).findLast((word) => word.endsWith('.properties')) ?? '';
  const started = settingsOf(await readFile(file, 'utf8'));
  expect(started).toMatchObject(settingsOf(settingsText('connect')));
});

test('the schema registry, by the file it was told to read', async () => {
  const file = pathToFileURL(settingsFile('schemaRegistry')).href;
  expect(await commandLine('schemaRegistry')).toContain(`-Dquarkus.config.locations=${file}`);
});
