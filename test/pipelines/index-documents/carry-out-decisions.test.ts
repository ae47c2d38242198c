/** Decisions about many documents are carried out some at a time, each once, however many more come meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { carryOutDecisions } from '../../../pipelines/index-documents/carry-out-decisions.ts';
import type { ReleaseDecision } from '../../../schemas/release-decision.ts';

const decisionAbout = (id: number): ReleaseDecision => ({
  ...{
    documentId: `shop/public.a/${id}`,
    action: 'redrive',
    version: '1-1',
    contentHash: 'x',
    gate: 'secrets',
    partition: 2,
  },
});

const carrying = () => {
  const standing = new Set<ReleaseDecision>();
  const taken: ReleaseDecision[][] = [];
  const troubles: string[] = [];
  let over = false;
  let release: (() => void) | undefined;
  let broken = false;
  const carryOut = carryOutDecisions<ReleaseDecision>({
    decisions: () => standing,
    stands: () => true,
    redrivesOf: async (decisions) => {
      if (broken) throw new Error('the broker has gone');
      return decisions;
    },
    redrive: (redrives) => {
      taken.push([...redrives]);
      return new Promise((done) => {
        release = done;
      });
    },
    isOver: () => over,
    onTrouble: ({ message }) => troubles.push(message),
    gatherMs: 1,
  });
  return {
    ...{ standing, taken, troubles, carryOut },
    finish: async () => {
      release?.();
      await sleep(20);
    },
    break: (now: boolean) => {
      broken = now;
    },
    end: () => {
      over = true;
    },
  };
};

test('what is on its way is not asked for again, and the next come once it is done', async () => {
  const { standing, taken, carryOut, finish } = carrying();
  for (let id = 0; id < 250; id += 1) standing.add(decisionAbout(id));
  carryOut();
  await sleep(20);
  expect(taken.map(({ length }) => length)).toEqual([100]);
  // A page of a large decision after the other, faster than they are embedded.
  for (let id = 250; id < 300; id += 1) {
    standing.add(decisionAbout(id));
    carryOut();
  }
  await sleep(20);
  expect(taken).toHaveLength(1);
  for (let more = 0; more < 5; more += 1) await finish();
  expect(taken.map(({ length }) => length)).toEqual([100, 100, 100]);
  expect(new Set(taken.flat()).size).toBe(300);
  // They stand still, as where their table is paused: another decision does not take them through again.
  const again = decisionAbout(3);
  standing.add(again);
  carryOut();
  await sleep(20);
  expect(taken.at(-1)).toEqual([again]);
});

test('what a person decides otherwise while it waits is carried out as decided last', async () => {
  const { standing, taken, carryOut, finish, end } = carrying();
  const redrives = Array.from({ length: 150 }, (_, id) => decisionAbout(id));
  for (const each of redrives) standing.add(each);
  carryOut();
  await vi.waitUntil(() => taken.length === 1);
  const [last] = redrives.slice(-1) as [ReleaseDecision];
  const drop: ReleaseDecision = { ...last, action: 'drop' };
  standing.delete(last);
  standing.add(drop);
  await finish();
  await vi.waitUntil(() => taken.length === 2);
  expect(taken[1]).toEqual([...redrives.slice(100, 149), drop]);
  end();
  await finish();
});

test('where the log cannot be read they are tried again, until the partition is another member’s', async () => {
  const { standing, taken, troubles, carryOut, break: breakIt, finish, end } = carrying();
  standing.add(decisionAbout(1));
  breakIt(true);
  carryOut();
  await vi.waitUntil(() => troubles.length > 1);
  breakIt(false);
  await vi.waitUntil(() => taken.length === 1);
  await finish();
  standing.add(decisionAbout(2));
  end();
  carryOut();
  await sleep(20);
  expect(taken).toHaveLength(1);
});
