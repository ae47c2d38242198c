import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compensationsOf } from '../../../agents/replay/compensations.ts';
import { type UndoSettings, undoEffects } from '../../../agents/replay/undo-effects.ts';
import type { AgentDefinition } from '../../../schemas/agent-definition.ts';
import { eventOf } from '../../support/event-of.ts';
import { AGENT, RECORDINGS, recordExecution } from './recorded-executions.ts';

const undoing = (onUndo: (key: string) => void, takesIdempotencyKey = false): AgentDefinition => ({
  ...AGENT,
  tools: (AGENT.tools ?? []).map((tool) =>
    tool.name === 'change'
      ? {
          ...tool,
          takesIdempotencyKey,
          compensate: async (_input, _output, { idempotencyKey }) => onUndo(idempotencyKey),
        }
      : tool,
  ),
});

const contextOf: UndoSettings['contextOf'] = (idempotencyKey) => ({
  tenant: 'acme',
  taskId: 'task-fork',
  executionId: 'execution-fork',
  idempotencyKey,
  sourceUrls: {},
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  scratch: { get: () => undefined, set: () => undefined },
  retriever: { search: () => Promise.reject(new Error('not asked')) },
  signal: new AbortController().signal,
});

test('of any execution: every effect after the step once, the latest first, under a key of its own', async () => {
  await fc.assert(
    fc.asyncProperty(RECORDINGS, fc.nat(12), async (recording, step) => {
      const agent = undoing(() => undefined);
      const events = await recordExecution('task-a', recording, { agent });
      const effects = compensationsOf(events, step, agent);
      const had = new Set(
        events
          .filter(
            (event) =>
              event.type === 'tool-call' && event.name === 'change' && !event.error && event.step > step,
          )
          .map((event) => event.idempotencyKey),
      );
      const certain = effects.filter(({ kind }) => kind === 'declared');
      expect(new Set(certain.map(({ idempotencyKey }) => idempotencyKey.replace(/:undo$/, '')))).toEqual(had);
      expect(effects.map((each) => each.step)).toEqual(
        [...effects.map((each) => each.step)].sort((a, b) => b - a),
      );
      expect(new Set(effects.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(effects.length);
      for (const effect of effects) expect(effect.step).toBeGreaterThan(step);
      expect(compensationsOf(events, step, null).some(({ kind }) => kind === 'declared')).toBe(false);
    }),
    { numRuns: 150 },
  );
});

test('what may have happened stays unknown though another try under its key failed for certain, and is known once one was made', () => {
  const idempotencyKey = 'execution-1:3';
  const tried = (step: number, code: string | null) => [
    eventOf({ type: 'intent', step, name: 'change', idempotencyKey }),
    eventOf({
      ...{ type: 'tool-call', step, name: 'change', idempotencyKey },
      error: code === null ? null : { code, message: '', retryable: false },
    }),
  ];
  const kinds = (codes: readonly (string | null)[]) =>
    compensationsOf(
      [eventOf({ type: 'claim' }), ...codes.flatMap((code, at) => tried(3 + at, code))].map(
        (event, sequence) => ({ ...event, sequence }),
      ),
      0,
      undoing(() => undefined),
    ).map(({ kind, idempotencyKey: key }) => [kind, key]);
  expect(kinds(['tool-failed'])).toEqual([]);
  expect(kinds(['timeout', 'tool-failed'])).toEqual([['unknown', 'execution-1:3:undo']]);
  expect(kinds(['timeout', null])).toEqual([['declared', 'execution-1:3:undo']]);
});

const CHANGED_TWICE = {
  turns: [
    { kind: 'tools', names: ['change', 'change'] },
    { kind: 'text', text: 'Done [1].' },
  ],
  deaths: [],
} as const;

test('effects are undone once: a worker that takes over does not undo again what is undone', async () => {
  const undone: string[] = [];
  const agent = undoing((key) => undone.push(key));
  const compensations = compensationsOf(await recordExecution('task-a', CHANGED_TWICE, { agent }), 0, agent);
  expect(compensations).toHaveLength(2);
  const journaled: ReturnType<typeof eventOf>[] = [];
  let writes = 0;
  const settings: UndoSettings = {
    ...{ compensations, agent, journaled, contextOf, step: 0 },
    journal: {
      write: async (...drafts) => {
        writes += 1;
        // The first worker dies before the intent of the second undoing.
        if (writes === 3) throw new Error('killed');
        journaled.push(...drafts.map((draft) => eventOf({ ...draft })));
      },
    },
  };
  await expect(undoEffects(settings)).rejects.toThrow('killed');
  expect(undone).toHaveLength(1);
  const outcomes = await undoEffects(settings);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['undone', 'undone']);
  expect(undone).toEqual(compensations.map(({ idempotencyKey }) => idempotencyKey));
});

test('an undoing whose outcome was lost is made again under its key where the tool takes it, and else left to a person', async () => {
  for (const takes of [true, false]) {
    const undone: string[] = [];
    const agent = undoing((key) => undone.push(key), takes);
    const compensations = compensationsOf(
      await recordExecution('task-a', CHANGED_TWICE, { agent }),
      0,
      agent,
    );
    const [first] = compensations;
    const journaled = [
      eventOf({ type: 'checkpoint', name: 'undo', idempotencyKey: first?.idempotencyKey ?? null }),
    ];
    const outcomes = await undoEffects({
      ...{ compensations, agent, journaled, contextOf, step: 0 },
      journal: { write: async () => undefined },
    });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([takes ? 'undone' : 'unknown', 'undone']);
    expect(undone).toHaveLength(takes ? 2 : 1);
  }
});
