/** Lines of executions as the runtime tells them, through pino, on the model of its journal. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { logRuntimeEvents } from '../../cli/roles/runtime-logs.ts';
import { defineAgent, defineTool } from '../../schemas/agent-definition.ts';
import { simulate } from '../agents/runtime/simulated-journal.ts';

const SECRET = 'a word that no line may hold';
const agent = defineAgent({
  ...{ name: 'helper', version: '7', instructions: SECRET },
  tools: [
    defineTool({
      ...{ name: 'look', description: 'looks', effect: 'read', arguments: z.object({ what: z.string() }) },
      execute: () => Promise.reject(new Error(SECRET)),
    }),
  ],
  plan: ({ results }) =>
    results.length === 0 ? { tools: [{ name: 'look', arguments: { what: SECRET } }] } : { answer: SECRET },
});

const linesAt = async (level: 'info' | 'debug'): Promise<readonly Record<string, unknown>[]> => {
  const { run, events } = simulate({ agent, models: [], text: SECRET });
  await run('worker-1');
  const lines: string[] = [];
  const log = pino({ level }, { write: (line: string) => lines.push(line) });
  for (const event of events) logRuntimeEvents(log)(event);
  expect(lines.join('')).not.toContain(SECRET);
  return lines.map((line) => JSON.parse(line));
};

test('an execution is a line at its beginning and one at its end, with its ids', async () => {
  const lines = await linesAt('info');
  expect(lines).toMatchObject([
    { msg: 'execution started', agent: 'helper', behaviour: '7', takenOver: false, epoch: 1 },
    { msg: 'execution ended', outcome: 'completed', code: null, durationMs: expect.any(Number) },
  ]);
  for (const name of ['executionId', 'taskId', 'traceId'])
    expect(lines[0]?.[name], name).toEqual(expect.stringMatching(/./));
  expect(lines[1]?.traceId).toBe(lines[0]?.traceId);
});

test('with details each step is a line of its own, and none says what was asked or answered', async () => {
  const lines = await linesAt('debug');
  const look = lines.find(({ msg, tool }) => msg === 'step ended' && tool === 'look');
  expect(look).toMatchObject({
    ...{ kind: 'tool', outcome: 'failed', step: expect.any(Number), costUsd: '0', inputTokens: 0 },
    ...{ executionId: lines[0]?.executionId, failure: expect.stringMatching(/./) },
  });
});
