/** Fault 25, of sessions: Redis killed without persistence. What was said comes back from the journal, and until then nobody pretends. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forgetSession } from '../../agents/memory/forget-memories.ts';
import type { OpenedAgentMemory } from '../../agents/memory/open-agent-memory.ts';
import { systemClock } from '../../schemas/clock.ts';
import { memoryPolicyOf } from '../../schemas/memory-policy.ts';
import { type MemoryPlane, openMemoryPlane } from '../agents/memory/memory-plane.ts';
import { startTestStack, type TestStack } from '../support/own-stack.ts';
import { until } from '../support/until.ts';

const POLICY = memoryPolicyOf({ session: { ttlMs: 600_000, maxTurns: 20 } });

let stack: TestStack;
let plane: MemoryPlane;
let opened: OpenedAgentMemory;

beforeAll(async () => {
  stack = await startTestStack({ servers: ['kafka', 'schemaRegistry', 'redis'] });
  plane = await openMemoryPlane(stack, new Map([['support', POLICY]]), false);
  opened = await plane.open();
}, 120_000);

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
const questions = async (sessionId: string, from = opened): Promise<readonly string[]> =>
  (await recall(sessionId, from)).turns.map(({ question }) => question);
const sessions = Array.from({ length: 12 }, (_, at) => `s-${at}`);

test('sessions killed with Redis come back as they were, and what was forgotten does not', async () => {
  for (const sessionId of sessions)
    for (const word of ['one', 'two']) await say(sessionId, `${sessionId} ${word}`);
  await until('a session is known', async () => (await recall('s-0')).session === 'known');
  const before = await Promise.all(sessions.map((each) => recall(each)));
  expect(before.map(({ turns }) => turns.length)).toEqual(sessions.map(() => 2));
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
  for (const [at, sessionId] of sessions.slice(0, 3).entries()) {
    const again = await until(`${sessionId} is known`, async () => {
      const recollection = await recall(sessionId);
      // It may not answer yet, or be reading; that nothing was said is what it must not say.
      expect(recollection.session).not.toBe('new');
      return recollection.session === 'known' && recollection;
    });
    expect(again.turns).toEqual(before[at]?.turns);
  }
  expect(await questions('s-3')).toEqual(['s-3 one', 's-3 two', 's-3 while it was away']);
  expect(await recall('s-11')).toMatchObject({ session: 'new', turns: [] });
  expect(plane.events.filter(({ type }) => type === 'sessions-rebuilt').length).toBeGreaterThan(0);
});

test('a worker that comes when Redis was lost rebuilds too, and remembers what its predecessor did not', async () => {
  await stack.killServer('redis');
  await until('it is gone', async () => (await recall('s-0')).session === 'unavailable');
  await stack.startServer('redis');
  const heir = await plane.open();
  try {
    const known = await until('known', async () => {
      const recollection = await recall('s-5', heir);
      expect(recollection.session).not.toBe('new');
      return recollection.session === 'known' && recollection;
    });
    expect(known.turns.map(({ question }) => question)).toEqual(['s-5 one', 's-5 two']);
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
