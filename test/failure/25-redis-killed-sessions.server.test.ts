/** Fault 25, of sessions: Redis killed without persistence. What was said comes back from the journal, and until then nobody pretends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forgetAgent, forgetSession } from '../../agents/memory/forget-memories.ts';
import type { OpenedAgentMemory } from '../../agents/memory/open-agent-memory.ts';
import { systemClock } from '../../schemas/clock.ts';
import { memoryPolicyOf } from '../../schemas/memory-policy.ts';
import type { SessionTurn } from '../../schemas/recollection.ts';
import { type MemoryPlane, openMemoryPlane } from '../agents/memory/memory-plane.ts';
import { startTestStack, type TestStack } from '../support/own-stack.ts';
import { until } from '../support/until.ts';

const POLICY = memoryPolicyOf({ session: { ttlMs: 600_000, maxTurns: 20 } });
/** Of one that waits for longer than a session lasts. */
const WAITING = memoryPolicyOf({ session: { ttlMs: 20_000 } });
/** Of one whose sessions are summarised. */
const ENDING = memoryPolicyOf({ session: { ttlMs: 600_000 }, longTerm: {} });

let stack: TestStack;
let plane: MemoryPlane;
let opened: OpenedAgentMemory;

beforeAll(async () => {
  stack = await startTestStack({ servers: ['kafka', 'schemaRegistry', 'redis'] });
  const policies = new Map([
    ['support', POLICY],
    ['teller', ENDING],
  ]);
  plane = await openMemoryPlane(stack, policies, false);
  opened = await plane.open();
}, 360_000);

afterAll(async () => {
  await opened?.stop();
  await plane?.close();
  await stack?.stop();
});

const say = async (sessionId: string, question: string): Promise<void> => {
  const { ended } = await plane.journal({ sessionId, question, answer: `Answer to ${question}` });
  await opened.memory.remember({ ...ended, policy: POLICY });
};
const recall = (sessionId: string, from = opened) =>
  from.memory.recall(
    { agent: 'support', tenant: 'acme', sessionId, text: 'and now?', policy: POLICY },
    AbortSignal.timeout(20_000),
  );
/** Once it can be said; that nothing was said is what must never be said of a session in which something was. */
const known = (sessionId: string, from = opened): Promise<readonly SessionTurn[]> =>
  until(`${sessionId} is known`, async () => {
    const { session, turns } = await recall(sessionId, from);
    expect(session).not.toBe('new');
    return session === 'known' && turns;
  });
const questions = async (sessionId: string, from = opened): Promise<readonly string[]> =>
  (await known(sessionId, from)).map(({ question }) => question);
const sessions = Array.from({ length: 12 }, (_, at) => `s-${at}`);

test('sessions killed with Redis come back as they were, and what was forgotten does not', async () => {
  for (const sessionId of sessions)
    for (const word of ['one', 'two']) await say(sessionId, `${sessionId} ${word}`);
  const before = await Promise.all(sessions.map((each) => known(each)));
  expect(before.map((turns) => turns.length)).toEqual(sessions.map(() => 2));
  await forgetSession(
    { ...plane, sessions: opened.sessions, clock: systemClock },
    { tenant: 'acme', agent: 'support', sessionId: 's-11' },
    'asked for',
  );
  await until('the cut is known', async () => opened.ledger.size() === 1);

  await stack.killServer('redis');
  // It is away, and says so; an execution is not held up.
  await until('it says so', async () => (await recall('s-0')).session === 'unavailable');
  // What is said meanwhile stands in the journal alone.
  await say('s-3', 's-3 while it was away');

  await stack.startServer('redis');
  for (const [at, sessionId] of sessions.slice(0, 3).entries())
    expect(await known(sessionId)).toEqual(before[at]);
  expect(await questions('s-3')).toEqual(['s-3 one', 's-3 two', 's-3 while it was away']);
  await until('what was forgotten is forgotten', async () => {
    const { session, turns } = await recall('s-11');
    expect(turns).toEqual([]);
    return session === 'new';
  });
  expect(plane.events.filter(({ type }) => type === 'sessions-rebuilt').length).toBeGreaterThan(0);
});

test('a session that ends after Redis lost it is summarised whole: nothing of it is cut from the journal unsaid', async () => {
  const key = { agent: 'teller', tenant: 'acme', sessionId: 's-ended' };
  const tell = async (question: string) => {
    // It was quiet for longer than it lasts.
    const at = systemClock() - 700_000_000;
    const { ended } = await plane.journal({ ...key, question, answer: `Answer to ${question}`, at });
    await opened.memory.remember({ ...ended, policy: ENDING });
    return ended.place.offset;
  };
  const first = await tell('What was said first?');
  await stack.killServer('redis');
  await stack.startServer('redis');
  // Nobody asks for a session of its partition meanwhile, which would read all of it from the journal again.
  const partition = plane.partitionOf(key.sessionId);
  const elsewhere = sessions.find((each) => plane.partitionOf(each) !== partition) ?? '';
  await until('it is back', async () => (await recall(elsewhere)).session !== 'unavailable');
  const second = await tell('What was said next?');
  const summary = await until('it is summarised', async () => {
    await opened.keep.turn();
    return [...opened.ledger.of(JSON.stringify(['acme', 'teller']))].find(({ kind }) => kind === 'summary');
  });
  expect(summary.places).toMatchObject([{ partition, from: first, to: second }]);
});

test('a worker that comes when Redis was lost rebuilds too, and remembers what its predecessor did not', async () => {
  await stack.killServer('redis');
  await until('it is gone', async () => (await recall('s-0')).session === 'unavailable');
  await stack.startServer('redis');
  const heir = await plane.open();
  try {
    expect(await questions('s-5', heir)).toEqual(['s-5 one', 's-5 two']);
    // Ended and journaled, but its worker died before it was remembered.
    const partition = plane.partitionOf('s-5');
    const [end] = (await plane.kafka.admin.offsets('freshet.agent-events')).filter(
      (each) => each.partition === partition,
    );
    await plane.journal({ sessionId: 's-5', question: 's-5 three', answer: 'Three.' });
    expect(await questions('s-5', heir)).toEqual(['s-5 one', 's-5 two']);
    expect(await heir.recover(partition, end?.latest ?? 0)).toBe(1);
    expect(await heir.recover(partition, end?.latest ?? 0)).toBe(1);
    expect(await questions('s-5', heir)).toEqual(['s-5 one', 's-5 two', 's-5 three']);
  } finally {
    await heir.stop();
  }
});

test('what waited for longer than a session lasts is in its session again, by its question or its snapshot, and is remembered by an heir', async () => {
  const waiting = await openMemoryPlane(stack, new Map([['waiter', WAITING]]), false);
  const worker = await waiting.open();
  try {
    const waited = sleep(21_000);
    const told = await Promise.all(
      [false, true].map((snapshot) => {
        const sessionId = snapshot ? 's-whole' : 's-begun';
        const waits = { until: waited, snapshot };
        return waiting.journal({ agent: 'waiter', sessionId, question: sessionId, answer: 'Yes.', waits });
      }),
    );
    await stack.killServer('redis');
    await stack.startServer('redis');
    // Together: each is kept for no longer than a session lasts.
    await Promise.all(
      told.map(async ({ ended: { sessionId, place } }) => {
        const turns = await until(`${sessionId} is known`, async () => {
          const ask = { agent: 'waiter', tenant: 'acme', sessionId, text: 'and now?', policy: WAITING };
          const recalled = await worker.memory.recall(ask, AbortSignal.timeout(20_000));
          expect(recalled.session).not.toBe('new');
          return recalled.session === 'known' && recalled.turns;
        });
        expect(turns).toMatchObject([{ question: sessionId, place }]);
      }),
    );
    for (const { ended } of told)
      expect(await worker.recover(ended.place.partition, ended.place.offset)).toBe(1);
  } finally {
    await worker.stop();
    await waiting.close();
  }
});

test('all of an agent is forgotten while Redis has lost its sessions: the journal brings none back', async () => {
  await say('s-20', 's-20 one');
  await stack.killServer('redis');
  await stack.startServer('redis');
  const held = opened.ledger.size();
  await forgetAgent(
    { ...plane, sessions: opened.sessions, clock: systemClock },
    { tenant: 'acme', agent: 'support' },
    [],
    'asked for',
  );
  await until('the cut is known', async () => opened.ledger.size() > held);
  for (const sessionId of ['s-0', 's-5', 's-20'])
    await until('it begins anew', async () => {
      const { session, turns } = await recall(sessionId);
      expect(turns).toEqual([]);
      return session === 'new';
    });
  await say('s-20', 's-20 two');
  expect(await questions('s-20')).toEqual(['s-20 two']);
});
