import { expect, test } from 'vitest';
import { OWNING_PARTITION, ownedByOne } from '../../pipelines/owned-by-one.ts';
import { until } from '../support/until.ts';

/** Work that says when it begins and ends; `begin` may fail or take its time. */
const work = (begin: () => Promise<void> = () => Promise.resolve()) => {
  const said: string[] = [];
  const errors: Error[] = [];
  const owned = ownedByOne(
    async () => {
      said.push('begins');
      await begin();
      said.push('runs');
      return {
        stop: async () => {
          said.push('ends');
        },
      };
    },
    (error) => errors.push(error),
  );
  return { owned, said, errors };
};

test('runs where the partition is owned, and nowhere else', async () => {
  const { owned, said } = work();
  owned.owns(OWNING_PARTITION + 1);
  owned.lost(OWNING_PARTITION);
  expect(said).toEqual([]);
  owned.owns(OWNING_PARTITION);
  owned.owns(OWNING_PARTITION);
  await until('it runs', () => owned.running());
  owned.lost(OWNING_PARTITION + 1);
  expect(said).toEqual(['begins', 'runs']);
  owned.lost(OWNING_PARTITION);
  await until('it ends', () => said.at(-1) === 'ends');
  expect(owned.running()).toBe(false);
});

test('a partition that goes while the work begins ends it as soon as it has begun: never two of it', async () => {
  let go: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    go = resolve;
  });
  const { owned, said } = work(() => begun);
  owned.owns(OWNING_PARTITION);
  await until('it begins', () => said.length === 1);
  owned.lost(OWNING_PARTITION);
  owned.owns(OWNING_PARTITION);
  owned.lost(OWNING_PARTITION);
  go();
  await owned.stop();
  expect(said.filter((each) => each === 'runs').length).toBe(said.filter((each) => each === 'ends').length);
  expect(owned.running()).toBe(false);
});

test('work that cannot begin is tried again while the partition is owned', async () => {
  let failures = 1;
  const { owned, said, errors } = work(async () => {
    if (failures-- > 0) throw new Error('Kafka is away');
  });
  owned.owns(OWNING_PARTITION);
  await until('it runs', () => owned.running());
  expect(errors.map(({ message }) => message)).toEqual(['Kafka is away']);
  expect(said).toEqual(['begins', 'begins', 'runs']);
  await owned.stop();
  expect(said.at(-1)).toBe('ends');
});
