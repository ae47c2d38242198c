/** Fault 1: workers killed between their writes and the commit of their offsets, again and again: redelivery changes nothing. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { RoleProcess } from '../../cli/start/start-role.ts';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import { type DataPlane, openDataPlane } from '../support/data-plane.ts';
import { startPlaneRole, temporaryFolder } from '../support/plane-roles.ts';
import { changesCommitted, changesWritten, untilEqual } from '../support/plane-state.ts';
import { createRowLoad } from '../support/row-load.ts';
import { until } from '../support/until.ts';

/** A group waits ten seconds for a member that died: each kill costs as much. */
const KILLS_AT_LEAST = 2;
const KILLS_AT_MOST = 8;
/** Enough work at once that a kill comes in the middle of it. */
const BULK_ROWS = 400;
let plane: DataPlane;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const roles = new Map<'pipeline' | 'index', RoleProcess>();

const start = async (role: 'pipeline' | 'index'): Promise<RoleProcess> => {
  const started = await startPlaneRole(plane, role, folder.path);
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
  plane = await openDataPlane(inject('stack'), 'plane');
  await Promise.all([plane.capture(), start('pipeline'), start('index')]);
}, 120_000);

afterAll(async () => {
  await Promise.all([...roles.values()].map((role) => role.stop()));
  await plane?.close();
  await folder?.remove();
});

test('workers killed under load: the index equals the source, every change is counted by whoever did it', async () => {
  await plane.client.query(
    `INSERT INTO articles SELECT n, 'acme', 'Bulk ' || n, 'a', repeat('Sentence of row ' || n || '. ', 60) FROM generate_series(1000, $1) AS n`,
    [999 + BULK_ROWS],
  );
  const load = createRowLoad(plane.client, 1);
  const running = load.run();
  let redelivered = 0;
  let kills = 0;
  /** Where the last pipeline began. */
  let from = 0;
  while (kills < KILLS_AT_LEAST || (redelivered === 0 && kills < KILLS_AT_MOST)) {
    const before = await changesWritten(plane);
    await until('changes flow', async () => (await changesWritten(plane)) > before + 60);
    const { appended: done = 0 } = await counted();
    await plane.client.query(`UPDATE articles SET title = title || '.' WHERE id >= 1000`);
    await until('they are worked on', async () => ((await counted()).appended ?? 0) > done + BULK_ROWS / 4, {
      every: 2,
    });
    await Promise.all([kill('pipeline'), kill('index')]);
    kills += 1;
    from = await changesCommitted(plane);
    await Promise.all([start('pipeline'), start('index')]);
    await until('it goes on', async () => ((await counted()).appended ?? 0) > 0);
    redelivered = Math.max(redelivered, (await counted()).superseded ?? 0);
  }
  // It is no test of redelivery unless something came again.
  expect(redelivered).toBeGreaterThan(0);
  await running.stop();
  await untilEqual(plane, openIndexClient(roles.get('index')?.url ?? ''));
  await until('every change since the last commit is counted exactly once (I7)', async () => {
    const before = await changesWritten(plane);
    const sum = Object.values(await counted()).reduce((all, count) => all + count, 0);
    return sum === before - from && before === (await changesWritten(plane));
  });
  await until(
    'and committed',
    async () => (await changesCommitted(plane)) >= (await changesWritten(plane)) - 1,
  );
}, 180_000);
