import { expect, test } from 'vitest';
import { createWorkerPool } from '../../../agents/runtime/worker-pool.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const gate = () => {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
};

test('one that only ends comes back though every place is taken, and no place is lost or won by it', async () => {
  const told: string[] = [];
  const pool = createWorkerPool(2, () => told.push('free'));
  const [said, first, second, third] = [gate(), gate(), gate(), gate()];
  let stopped = false;
  const waits = async (name: string, until: Promise<void>, onlyEnds: () => boolean): Promise<void> => {
    await pool.run(async (place) => {
      await place.leaveWhile(() => until, onlyEnds);
      told.push(name);
    });
  };
  const ends = waits('ended', said.opened, () => stopped);
  const goesOn = waits('went on', said.opened, () => false);
  const busy = [first, second].map(({ opened }) => pool.run(() => opened));
  await turn();
  expect(pool.hasFree()).toBe(false);
  told.length = 0;

  stopped = true;
  said.open();
  await turn();
  // Its end gives no place away that it did not have, neither to who waits for one nor to who has not begun.
  expect(told).toEqual(['ended']);
  first.open();
  await turn();
  expect(told).toEqual(['ended', 'went on', 'free']);
  expect(pool.hasFree()).toBe(true);
  busy.push(pool.run(() => third.opened));
  expect(pool.hasFree()).toBe(false);
  for (const { open } of [second, third]) open();
  await Promise.all([...busy, ends, goesOn]);
  expect(pool.hasFree()).toBe(true);
  expect(pool.begun()).toBe(0);
});

test('it is at rest when what is begun only waits', async () => {
  const pool = createWorkerPool(2, () => undefined);
  const [acted, said] = [gate(), gate()];
  let rested = false;
  const runs = [pool.run((place) => place.leaveWhile(() => said.opened)), pool.run(() => acted.opened)];
  const rest = pool.atRest().then(() => {
    rested = true;
  });
  await turn();
  expect(rested).toBe(false);
  acted.open();
  await rest;
  expect(pool.begun()).toBe(1);
  await pool.atRest();
  said.open();
  await Promise.all(runs);
});
