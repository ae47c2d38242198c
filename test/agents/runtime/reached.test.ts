/** What a failed or halted task leaves for people: outcomes in plain words, not the frames that a model was told them in. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { type AgentDefinition, defineTool } from '../../../schemas/agent-definition.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { parseTerminalOutput } from '../../../schemas/execution-payloads.ts';
import { fixedRetriever } from '../fixed-retriever.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { simulate } from './simulated-journal.ts';

interface Reached {
  readonly text: string | null;
  readonly passages: readonly unknown[];
  readonly toolResults: readonly {
    readonly name: string;
    readonly content: string;
    readonly error: string | null;
  }[];
}

const LONG = `${'a'.repeat(1_999)}😀 and more`;
const answers: Readonly<Record<string, () => Promise<unknown>>> = {
  text: async () => 'Thirty days.',
  value: async () => ({ left: 7 }),
  agent: async () => ({ text: 'It is in stock.', citations: [], model: 'm', finishReason: 'stop' }),
  search: () => fixedRetriever().search({ query: 'return', topK: 2, tenant: 'acme' }),
  long: async () => LONG,
  nothing: async () => undefined,
  broken: () => Promise.reject(new FreshetError('not-found', 'there is no such order')),
};
const agent: AgentDefinition = {
  ...randomAgent({ maxSteps: Object.keys(answers).length + 2, maxUsd: '5', maxMs: 3_600_000 }),
  tools: Object.entries(answers).map(([name, execute]) =>
    defineTool({
      name,
      description: name,
      effect: 'read',
      arguments: z.object({ at: z.number() }),
      execute,
    }),
  ),
};

test('what a halted task had reached is shown as its tools said it', async () => {
  const names = [...Object.keys(answers), 'invented'];
  const simulation = simulate({
    agent,
    models: [scriptedModel('first', [{ kind: 'tools', names }])],
  });
  await simulation.run('worker-a');
  const end = simulation.log.at(-1);
  expect(end?.error?.code).toBe('step-cap');
  const terminal = parseTerminalOutput(end?.output ?? null);
  const { text, passages, toolResults } = (terminal?.partial ?? {}) as Reached;
  expect(text).toBeNull();
  expect(passages.length).toBeGreaterThan(0);
  expect(JSON.stringify(toolResults)).not.toMatch(/<<<|Data from outside/);
  const shown = Object.fromEntries(toolResults.map(({ name, ...rest }) => [name, rest]));
  expect(shown).toMatchObject({
    text: { content: 'Thirty days.', error: null },
    value: { content: '{"left":7}', error: null },
    agent: { content: 'It is in stock.', error: null },
    // Its last character would have been half of one.
    long: { content: `${'a'.repeat(1_999)}…`, error: null },
    nothing: { content: 'null', error: null },
    broken: { content: 'there is no such order', error: 'not-found' },
    invented: { error: 'unknown-tool' },
  });
  const { hits } = await fixedRetriever().search({ query: 'return', topK: 2, tenant: 'acme' });
  expect(shown.search?.content).toBe(hits.map((hit) => hit.text).join('\n\n'));
  // A decision is known by what it was known by before.
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('the last words of a model are shown as they are, and a completed task leaves nothing partial', async () => {
  const wrong: AgentDefinition = { ...agent, output: z.object({ severity: z.string() }) };
  const failed = simulate({
    agent: wrong,
    models: [scriptedModel('first', [{ kind: 'text', text: 'It is bad.' }])],
  });
  await failed.run('worker-a');
  expect(parseTerminalOutput(failed.log.at(-1)?.output ?? null)).toMatchObject({
    output: null,
    partial: { text: 'It is bad.', toolResults: [] },
  });
  const done = simulate({ agent, models: [scriptedModel('first', [{ kind: 'text', text: 'Done.' }])] });
  await done.run('worker-a');
  expect(parseTerminalOutput(done.log.at(-1)?.output ?? null)).toMatchObject({ partial: null });
});

test('an end that cannot be journaled with what was reached is one without it, rather than none (I2)', async () => {
  const models = [scriptedModel('first', [{ kind: 'tools', names: ['search', 'long'] }])];
  const limited: AgentDefinition = { ...agent, limits: { ...agent.limits, maxSteps: 3 } };
  const maxEndCharacters = 500;
  const first = simulate({ agent: limited, models, maxEndCharacters });
  await expect(first.run('worker-a')).rejects.toMatchObject({ code: 'request-too-large' });
  const refusal = { code: 'too-large' as const, message: 'it does not fit the journal' };
  const next = { agent: limited, models, refusal, maxEndCharacters };
  const again = simulate({ ...next, journaled: first.log });
  await expect(again.run('worker-a')).rejects.toMatchObject({ code: 'request-too-large' });
  const bare = simulate({ ...next, endsBare: true, journaled: again.log });
  await bare.run('worker-a');
  const end = bare.log.at(-1);
  expect(end).toMatchObject({ type: 'response', error: { code: 'too-large' } });
  expect(parseTerminalOutput(end?.output ?? null)).toMatchObject({ partial: null, receipt: { chunks: [] } });
  expect(replayRecorded(bare.log, [limited]).identical).toBe(true);
});
