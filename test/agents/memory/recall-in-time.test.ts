import { expect, test } from 'vitest';
import { type AgentMemorySettings, createAgentMemory } from '../../../agents/memory/agent-memory.ts';
import { memoryPolicyOf } from '../../../schemas/memory-policy.ts';

const ASK = {
  ...{ agent: 'support', tenant: 'acme', sessionId: 's-1', text: 'And now?' },
  policy: memoryPolicyOf({ session: {} }),
};

/** Reading a session takes for ever. */
const openSlow = () => {
  const troubles: Error[] = [];
  const memory = createAgentMemory({
    readSession: () => new Promise(() => undefined),
    clock: () => 1,
    onTrouble: (error) => void troubles.push(error),
  } as Partial<AgentMemorySettings> as AgentMemorySettings);
  const recall = async (signal: AbortSignal) => {
    const began = performance.now();
    const { session, turns } = await memory.recall(ASK, signal);
    return { session, turns, ms: performance.now() - began };
  };
  return { recall, troubles };
};

test('an execution waits a second at most for its session', async () => {
  const { recall, troubles } = openSlow();
  const { session, turns, ms } = await recall(new AbortController().signal);
  expect({ session, turns }).toEqual({ session: 'unavailable', turns: [] });
  expect(ms).toBeGreaterThan(900);
  expect(ms).toBeLessThan(3_000);
  expect(troubles).toHaveLength(1);
}, 10_000);

test('one that is stopped waits no longer for its session', async () => {
  const { recall, troubles } = openSlow();
  const { session, ms } = await recall(AbortSignal.timeout(50));
  expect(session).toBe('unavailable');
  expect(ms).toBeLessThan(900);
  expect((await recall(AbortSignal.abort())).session).toBe('unavailable');
  expect(troubles).toEqual([]);
}, 10_000);
