import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startRole } from '../../cli/start/start-role.ts';

test('a role that waits for servers that never come ends soon after its start is given up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'freshet-role-'));
  const givenUp = new AbortController();
  const nowhere = '127.0.0.1:1';
  const starting = startRole({
    role: 'gateway',
    name: 'gateway-1',
    options: { kafka: nowhere, registry: `http://${nowhere}`, data: folder },
    logFolder: folder,
    environment: process.env,
    signal: givenUp.signal,
    onExit: () => undefined,
  });
  const begun = performance.now();
  givenUp.abort();
  await expect(starting).rejects.toMatchObject({ code: 'server-failed' });
  expect(performance.now() - begun).toBeLessThan(10_000);
  rmSync(folder, { recursive: true });
});
