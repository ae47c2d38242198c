/** Fault 1: workers killed between their writes and the commit of their offsets, again and again: redelivery changes nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, inject, test } from 'vitest';
import type { RoleProcess } from '../../cli/start/start-role.ts';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import { INDEX_DOCUMENTS_GROUP, PROJECTION_GROUP } from '../../schemas/groups.ts';
import { forgetMembers } from '../support/group-members.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startPlaneRole, temporaryFolder } from '../support/plane-roles.ts';
import { changesCommitted, changesWritten, untilEqual } from '../support/plane-state.ts';
import { createRowLoad } from '../support/row-load.ts';
import { type Request, startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const BULK_ROWS = 300;
/** Longer than the pipeline waits between two commits. */
const COMMITS_MS = 700;
let plane: DataPlane;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let proxy: TcpProxy;
let held: Request | undefined;
const roles = new Map<'pipeline' | 'index', RoleProcess>();

const start = async (role: 'pipeline' | 'index'): Promise<RoleProcess> => {
  const started = await startPlaneRole(plane, role, folder.path, proxy.address);
  roles.set(role, started);
  return started;
};
const kill = async (role: 'pipeline' | 'index'): Promise<void> => {
  const pid = roles.get(role)?.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  await until('gone', () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
};

/** What the pipeline has counted since it was started, by outcome. */
const counted = async (): Promise<Readonly<Record<string, number>>> => {
  const response = await fetch(`${roles.get('pipeline')?.url}/metrics.json`);
  const metrics = (await response.json()) as readonly {
    readonly name: string;
    readonly values: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
  }[];
  const records = metrics.find((each) => each.name === 'freshet_records_total')?.values ?? [];
  return Object.fromEntries(
    records
      .filter(({ labels }) => labels.stage === 'index-documents')
      .map(({ labels, value }) => [labels.outcome ?? '', value]),
  );
};

beforeAll(async () => {
  folder = await temporaryFolder();
  proxy = await startTcpProxy(inject('stack').kafka, (request) => (request === held ? 'held' : 'none'));
  plane = await openDataPlane(inject('stack'), 'plane');
  await Promise.all([plane.capture(), start('pipeline'), start('index')]);
}, 360_000);

afterAll(async () => {
  await Promise.all([...roles.values()].map((role) => role.stop()));
  await plane?.close();
  await proxy?.close();
  await folder?.remove();
});

const killBoth = async (): Promise<number> => {
  await Promise.all([kill('pipeline'), kill('index')]);
  for (const group of [INDEX_DOCUMENTS_GROUP, PROJECTION_GROUP])
    await forgetMembers(inject('stack').kafka, group);
  held = undefined;
  return changesCommitted(plane);
};
const changeAll = (): Promise<unknown> =>
  plane.client.query(`UPDATE articles SET title = title || '.' WHERE id >= 1000`);

test('workers killed at their writes, at their commits and anywhere: the index equals the source, every change is counted by whoever did it', async () => {
  await plane.client.query(
    `INSERT INTO articles SELECT n, 'acme', 'Bulk ' || n, 'a', repeat('Sentence of row ' || n || '. ', 60) FROM generate_series(1000, $1) AS n`,
    [999 + BULK_ROWS],
  );
  await until('indexed', async () => ((await counted()).appended ?? 0) >= BULK_ROWS);

  // Written and not committed: all of it comes again, and changes nothing.
  held = 'commit';
  await changeAll();
  await until('appended', async () => ((await counted()).appended ?? 0) >= 2 * BULK_ROWS);
  await until('about to be committed', () => proxy.cuts().held > 0);
  await killBoth();
  await Promise.all([start('pipeline'), start('index')]);
  await until('delivered again', async () => ((await counted()).superseded ?? 0) >= BULK_ROWS);

  // Read and not written: nothing of it may have been committed.
  held = 'produce';
  const before = proxy.cuts().held;
  await changeAll();
  await until('about to be appended', () => proxy.cuts().held > before);
  await sleep(COMMITS_MS);
  await killBoth();
  await Promise.all([start('pipeline'), start('index')]);

  // Anywhere.
  const load = createRowLoad(plane.client, 1).run();
  await until('changes flow', async () => ((await counted()).appended ?? 0) > BULK_ROWS / 2, { every: 2 });
  const from = await killBoth();
  await Promise.all([start('pipeline'), start('index')]);
  await until('it goes on', async () => ((await counted()).appended ?? 0) > 0);
  await load.stop();
  await untilEqual(plane, openIndexClient(roles.get('index')?.url ?? ''));
  await until('every change since the last commit is counted exactly once (I7)', async () => {
    const written = await changesWritten(plane);
    const sum = Object.values(await counted()).reduce((all, count) => all + count, 0);
    return sum === written - from && written === (await changesWritten(plane));
  });
  await until(
    'and committed',
    async () => (await changesCommitted(plane)) >= (await changesWritten(plane)) - 1,
  );
}, 360_000);
