/**
 * Undoes, for an execution that was forked, what its origin did after the step of the fork: the latest first, each with
 * an intent before it and its outcome after it in the fork's own journal, as checkpoints named `undo` and `undone`. A
 * worker that takes the fork over goes on where the journal says; an undoing whose outcome was lost is made again only
 * where the tool takes the key, and else left to a person (I8).
 */
import type { AgentDefinition, ToolContext } from '../../schemas/agent-definition.ts';
import { toError } from '../../schemas/errors.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import type { EventDraft } from '../runtime/execution-journal.ts';
import type { Compensation } from './compensations.ts';

export interface UndoSettings {
  readonly compensations: readonly Compensation[];
  readonly agent: AgentDefinition;
  readonly journal: { write(...drafts: readonly EventDraft[]): Promise<unknown> };
  /** Events of the fork that stand in the journal. */
  readonly journaled: readonly AgentEvent[];
  /** The step of the fork: what is undone counts as no step. */
  readonly step: number;
  readonly contextOf: (idempotencyKey: string) => ToolContext;
}

export interface Undone {
  readonly idempotencyKey: string;
  readonly outcome: 'undone' | 'failed' | 'unknown' | 'undeclared';
}

const MAX_MESSAGE_CHARACTERS = 500;

/** Errors: of `journal.write`. A compensation that fails is journaled so, and the others go on. */
export const undoEffects = async (settings: UndoSettings): Promise<readonly Undone[]> => {
  const done: Undone[] = [];
  for (const each of settings.compensations) done.push(await undo(each, settings));
  return done;
};

const undo = async (effect: Compensation, settings: UndoSettings): Promise<Undone> => {
  const { agent, journal, journaled, step } = settings;
  const { idempotencyKey, kind, input, output } = effect;
  const said = journaled.filter((event) => event.idempotencyKey === idempotencyKey);
  const last = said.findLast((event) => event.name === 'undone');
  if (last) return { idempotencyKey, outcome: last.error ? 'failed' : 'undone' };
  const tool = agent.tools?.find((candidate) => candidate.name === effect.tool);
  if (kind !== 'declared' || !tool?.compensate)
    return { idempotencyKey, outcome: kind === 'unknown' ? 'unknown' : 'undeclared' };
  if (said.length > 0 && !tool.takesIdempotencyKey) return { idempotencyKey, outcome: 'unknown' };
  const place = { type: 'checkpoint', step, idempotencyKey } as const;
  const what = JSON.stringify({ tool: effect.tool, executionId: effect.executionId, step: effect.step });
  await journal.write({ ...place, name: 'undo', input: what });
  const began = performance.now();
  const tookMicros = (): number => Math.round((performance.now() - began) * 1_000);
  const context = settings.contextOf(idempotencyKey);
  context.signal.throwIfAborted();
  try {
    await tool.compensate(
      tool.arguments.parse(JSON.parse(input ?? 'null')),
      JSON.parse(output ?? 'null'),
      context,
    );
  } catch (thrown) {
    // Whatever its code says is the tool's own, and not of the journal; a worker that stops knows nothing of how far it came.
    if (context.signal.aborted) throw thrown;
    const message = toError(thrown).message.slice(0, MAX_MESSAGE_CHARACTERS);
    const error = { code: 'compensation-failed', message, retryable: false };
    await journal.write({ ...place, name: 'undone', input: what, error, durationMicros: tookMicros() });
    return { idempotencyKey, outcome: 'failed' };
  }
  await journal.write({ ...place, name: 'undone', input: what, durationMicros: tookMicros() });
  return { idempotencyKey, outcome: 'undone' };
};
