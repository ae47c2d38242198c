import { expect, test } from 'vitest';
import { createAgentMemory } from '../../../agents/memory/agent-memory.ts';
import { forkedEvents } from '../../../agents/replay/fork-events.ts';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import type { ExecutionControls } from '../../../agents/runtime/execution-controls.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import { parseTerminalOutput } from '../../../schemas/execution-payloads.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { simulate } from './simulated-journal.ts';

const unused = () => Promise.reject(new Error('no session is asked for'));

test('an execution that is stopped while it recalls ends as what stopped it', async () => {
  const cancelled = new AbortController();
  const memory = createAgentMemory({
    sessions: { write: unused, read: unused, incomplete: unused } as never,
    readSession: unused,
    // The index is slow, and somebody cancels meanwhile.
    recallMemories: (_, __, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        cancelled.abort(new Error('cancelled'));
      }),
    write: unused,
    moveDown: unused,
    ledger: { isCut: () => false },
    clock: () => 0,
    onTrouble: () => undefined,
  });
  const control: ExecutionControls = {
    open: () => ({
      stop: () => (cancelled.signal.aborted ? { code: 'cancelled', message: 'cancelled by ann' } : null),
      approval: () => null,
      stopped: cancelled.signal,
      changed: async () => undefined,
      close: () => undefined,
    }),
    isCancelled: () => false,
  };
  const model = scriptedModel('first', [{ kind: 'text', text: 'Thirty days [1].' }]);
  const agent = { ...randomAgent({}), memory: { longTerm: {} } };
  const simulation = simulate({ agent, models: [model], memory, control });
  await simulation.run('worker-a');
  const end = simulation.log.at(-1);
  expect([end?.error?.code, parseTerminalOutput(end?.output ?? null)?.outcome]).toEqual([
    'cancelled',
    'halted',
  ]);
  expect(model.calls()).toBe(0);
  // Nothing was found out: a fork recalls for itself.
  const { drafts, step } = forkedEvents(simulation.log, 1, 'execution-2');
  expect([step, drafts.map(({ type, output }) => [type, output])]).toEqual([1, [['memory-update', null]]]);
  expect(foldEvents(simulation.log).recollection).toBeNull();
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});
