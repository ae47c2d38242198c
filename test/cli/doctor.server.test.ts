import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { type RunFile, writeRunFile } from '../../cli/run-file.ts';
import { createRedisClient } from '../../connectors/redis/redis-client.ts';
import { processIdentity } from '../../connectors/stack/process-identity.ts';
import { ERROR_CODES } from '../../schemas/errors.ts';

const COMMAND = fileURLToPath(new URL('../../cli/freshet.mjs', import.meta.url));

interface Finding {
  readonly part: string;
  readonly ok: boolean;
  readonly said: string;
}

const diagnose = () => {
  const { kafka, schemaRegistry, connect, redis } = inject('stack');
  const root = mkdtempSync(join(tmpdir(), 'freshet-doctor-'));
  const config = join(root, 'freshet.config.ts');
  writeFileSync(config, 'export default { sources: ');
  const run: Partial<RunFile> = {
    ...{ pid: process.pid, identity: processIdentity(process.pid) ?? '', kafka, connect, redis, config },
    ...{ schemaRegistry: `${schemaRegistry}/apis/ccompat/v7`, index: 'http://127.0.0.1:1' },
    ...{ gateway: 'http://127.0.0.1:1', sources: { unreadable: '' }, roles: {}, roleUrls: {} },
  };
  writeRunFile(root, run as RunFile);
  const { status, stdout } = spawnSync(process.execPath, [COMMAND, 'doctor', '--json'], {
    encoding: 'utf8',
    env: { ...process.env, FRESHET_ROOT: root },
  });
  rmSync(root, { recursive: true });
  return { status, findings: JSON.parse(stdout) as readonly Finding[] };
};

test('a broken configuration is one finding: roles run on with what they read, and the rest is looked at', () => {
  const { status, findings } = diagnose();
  const standing = Object.fromEntries(findings.map(({ part, ok }) => [part, ok]));
  expect(standing).toMatchObject({ config: false, kafka: true, redis: true, 'topic cdc.unreadable': false });
  expect(status).toBe(ERROR_CODES['check-failed'].exit);
});

test('a Redis that drops keys when it is full is told, though it answers: conversations would be forgotten unnoticed', async () => {
  const redis = createRedisClient(inject('stack').redis);
  await once(redis, 'ready');
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  try {
    const found = diagnose().findings.find(({ part }) => part === 'redis');
    expect(found).toMatchObject({ ok: false, said: expect.stringContaining('allkeys-lru') });
  } finally {
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    redis.disconnect();
  }
});
