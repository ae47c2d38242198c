import { expect, test } from 'vitest';
import { createPendingCommits, type NextOffset } from '../../../pipelines/index-documents/pending-commits.ts';

const at = (partition: number, offset: number): NextOffset => ({ topic: 'cdc.shop', partition, offset });
const UNANSWERED = new Error('the group is rebalancing');

/** Each commit waits for its answer. */
const openCommits = () => {
  const said: { readonly offsets: readonly NextOffset[]; readonly answer: (error?: Error) => void }[] = [];
  const commits = createPendingCommits(
    (offsets) =>
      new Promise((resolve, reject) =>
        said.push({ offsets, answer: (error) => (error ? reject(error) : resolve()) }),
      ),
  );
  const saying = async () => {
    const commit = commits.commit();
    commit.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    return { commit, said: said.at(-1) };
  };
  return { commits, said, saying };
};

test('what a failed commit did not say is said by the next, though nothing more was done', async () => {
  const { commits, saying } = openCommits();
  commits.done(at(0, 5));
  commits.done(at(1, 7));
  const first = await saying();
  commits.done(at(1, 9));
  first.said?.answer(UNANSWERED);
  await expect(first.commit).rejects.toBe(UNANSWERED);
  const next = await saying();
  expect(next.said?.offsets).toEqual([at(1, 9), at(0, 5)]);
  next.said?.answer();
  await next.commit;
});

test('what was said is not said again', async () => {
  const { commits, said, saying } = openCommits();
  commits.done(at(0, 5));
  const first = await saying();
  first.said?.answer();
  await first.commit;
  await commits.commit();
  expect(said).toHaveLength(1);
});

test('of a partition that went to another, nothing is said again, whenever it went', async () => {
  const { commits, said, saying } = openCommits();
  commits.done(at(0, 5));
  commits.done(at(1, 7));
  commits.lost(at(1, 0));
  const first = await saying();
  expect(first.said?.offsets).toEqual([at(0, 5)]);
  commits.lost(at(0, 0));
  first.said?.answer(UNANSWERED);
  await expect(first.commit).rejects.toBe(UNANSWERED);
  await commits.commit();
  expect(said).toHaveLength(1);
});

test('a commit waits for the one before it', async () => {
  const { commits, said, saying } = openCommits();
  commits.done(at(0, 5));
  const first = await saying();
  commits.done(at(0, 6));
  const second = await saying();
  expect(said).toHaveLength(1);
  first.said?.answer();
  await first.commit;
  await new Promise((resolve) => setImmediate(resolve));
  expect(said[1]?.offsets).toEqual([at(0, 6)]);
  said[1]?.answer();
  await second.commit;
});
