/**
 * Session memory as executions use it, over a Redis of its own: a read of a session of ten turns, and a write of one more. One
 * at a time, and at the rate of a busy worker. Beside them the scratch in the process.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { createEphemeralMemory } from '../agents/memory/ephemeral-memory.ts';
import { openRedisConnection } from '../connectors/redis/redis-connection.ts';
import { createRedisSessionStore } from '../connectors/redis/redis-session-store.ts';
import type { SessionKey } from '../connectors/redis/session-store.ts';
import type { SessionPolicy } from '../schemas/memory-policy.ts';
import type { SessionTurn } from '../schemas/recollection.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type Bench, type Figures, percentile } from './support/bench.ts';
import { openBenchStack } from './support/bench-stack.ts';

const SESSIONS = 500;
const TURNS = 10;
const WARM_UP = 500;
const ALONE = 5_000;
const SCRATCH = 20_000;
const AT_ONCE = 50;
/** Reads and writes together: what 500 executions a second need. */
const PER_SECOND = 1_000;
const PACED_SECONDS = 10;
const POLICY: SessionPolicy = { ttlMs: 3_600_000, maxTurns: 20, maxCharacters: 40_000 };

const turnOf = (offset: number): SessionTurn => ({
  executionId: `execution-${offset.toString(16).padStart(24, '0')}`,
  place: { topic: TOPICS.agentEvents.name, partition: 0, offset },
  at: Date.now() * 1_000,
  question: 'How long may I keep the router before I have to send it back to you? '.repeat(2),
  answer: 'The return window of the router is 30 days from the day on which it was delivered. '.repeat(6),
  origin: 'retrieved',
});

/** Milliseconds of each of `count` calls, so many under way at once. */
const timed = async (
  count: number,
  atOnce: number,
  work: (at: number) => Promise<unknown>,
): Promise<readonly number[]> => {
  const samples: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) {
      const begun = performance.now();
      await work(at);
      samples.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return samples;
};

/** Milliseconds of calls made at a steady rate, whether those before have come back or not. */
const paced = async (work: (at: number) => Promise<unknown>): Promise<readonly number[]> => {
  const samples: number[] = [];
  const calls: Promise<unknown>[] = [];
  const begun = performance.now();
  for (let at = 0; at < PER_SECOND * PACED_SECONDS; at += 1) {
    const due = begun + (at * 1_000) / PER_SECOND;
    if (performance.now() < due) await sleep(due - performance.now());
    const made = performance.now();
    calls.push(work(at).then(() => samples.push(performance.now() - made)));
  }
  await Promise.all(calls);
  return samples;
};

export const sessionMemoryBench: Bench = {
  name: 'session-memory',
  measures:
    'session memory: read of ten turns and write of one, alone and at 1,000 a second; scratch in the process',
  runs: 3,
  run: async (tell, signal) => {
    const servers = await openBenchStack(['redis'], signal);
    const { stack } = servers;
    const store = createRedisSessionStore(openRedisConnection(stack.redis));
    try {
      const keyOf = (at: number): SessionKey => ({
        tenant: 'acme',
        agent: 'bench',
        sessionId: `s-${at % SESSIONS}`,
      });
      // Beyond its caps a session is moved down, which is no part of what is measured here.
      const newer = (at: number): SessionKey => ({ ...keyOf(at), sessionId: `w-${at % (4 * SESSIONS)}` });
      let offset = 0;
      const writeTo = (key: SessionKey) => {
        offset += 1;
        return store.write(key, turnOf(offset), POLICY);
      };
      const write = (at: number) => writeTo(newer(at));
      const read = (at: number) => store.read(keyOf(at), 0);
      await timed(SESSIONS * TURNS, AT_ONCE, (at) => writeTo(keyOf(at)));
      await timed(WARM_UP, 1, read);
      const { turns } = await read(0);
      tell(`${SESSIONS} sessions of ${turns.length} turns, ${JSON.stringify(turns).length} bytes each`);
      const figures: Record<string, { value: number; unit: string; target?: { atMost: number } }> = {};
      const report = (name: string, samples: readonly number[], atMost?: number): void => {
        for (const at of [50, 99])
          figures[`${name} p${at}`] = {
            value: Number(percentile(samples, at).toFixed(3)),
            unit: 'ms',
            ...(at === 99 && atMost !== undefined ? { target: { atMost } } : {}),
          };
      };
      report('read', await timed(ALONE, 1, read), 2);
      report('write', await timed(ALONE, 1, write), 2);
      // As executions do: one read before, one write after.
      const both = (at: number) => (at % 2 === 0 ? read(at) : write(at));
      report(`at ${PER_SECOND} a second`, await paced(both), 2);
      const begun = performance.now();
      await timed(2 * ALONE, AT_ONCE, both);
      const seconds = (performance.now() - begun) / 1_000;
      figures[`${AT_ONCE} at once, reads and writes`] = {
        value: Math.round((2 * ALONE) / seconds),
        unit: '/s',
      };
      const scratch = createEphemeralMemory();
      const ephemeral = await timed(SCRATCH, 1, async (at) => {
        scratch.set(`execution-${at % 1_000}`, 'plan', 'look first, then answer');
        return scratch.get(`execution-${at % 1_000}`, 'plan');
      });
      report('scratch, set and get', ephemeral, 1);
      return figures satisfies Figures;
    } finally {
      await store.close();
      await servers.close();
    }
  },
};
