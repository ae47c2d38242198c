/** Executions as the runtime journals them, of any agent, killed at any append, under ids of their own: what replays are tested on. */
import fc from 'fast-check';
import type { AgentDefinition } from '../../../schemas/agent-definition.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { executionIdOf } from '../../../schemas/task-identity.ts';
import { randomAgent, scriptedModel, TURNS, type Turn } from '../runtime/random-model.ts';
import { simulate } from '../runtime/simulated-journal.ts';

export const AGENT: AgentDefinition = randomAgent({ maxSteps: 12, maxUsd: '5', maxMs: 3_600_000 });

export interface Recording {
  readonly turns: readonly Turn[];
  readonly deaths: readonly number[];
}

export const RECORDINGS: fc.Arbitrary<Recording> = fc.record({
  turns: fc.array(TURNS, { minLength: 1, maxLength: 6 }),
  deaths: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
});

/** `finish`: a last worker brings it to its end. */
export const recordExecution = async (
  taskId: string,
  { turns, deaths }: Recording,
  { finish = true, agent = AGENT }: { readonly finish?: boolean; readonly agent?: AgentDefinition } = {},
): Promise<readonly AgentEvent[]> => {
  const simulation = simulate({ agent, models: [scriptedModel('first', turns)] });
  const ended = (): boolean => simulation.log.at(-1)?.type === 'response';
  for (const [index, dieAfter] of deaths.entries()) {
    if (!ended()) await simulation.run(`worker-${index}`, dieAfter).catch(() => undefined);
  }
  if (finish && !ended()) await simulation.run('worker-last');
  const executionId = executionIdOf(taskId);
  return simulation.log.map((event) => ({
    ...event,
    taskId,
    executionId,
    idempotencyKey: event.idempotencyKey?.replace('execution-1', executionId) ?? null,
  }));
};

/** Into one log, each in its own order, as `picks` say whose turn it is. */
export const interleave = (
  logs: readonly (readonly AgentEvent[])[],
  picks: readonly number[],
): readonly AgentEvent[] => {
  const rest = logs.map((log) => [...log]);
  const made: AgentEvent[] = [];
  for (let turn = 0; ; turn += 1) {
    const open = rest.filter((log) => log.length > 0);
    if (open.length === 0) return made;
    const next = open[(picks[turn % Math.max(1, picks.length)] ?? 0) % open.length]?.shift();
    if (next) made.push(next);
  }
};
