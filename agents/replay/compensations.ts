/**
 * What an execution did outside after a step, and how it is undone: the latest first, each once. Pure. The key of an
 * undoing is the origin's own, so that two forks of one execution undo an effect once, where the tool takes the key.
 */
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { DELEGATED } from '../../schemas/execution-costs.ts';
import { NOT_MADE, undoKeyOf } from '../../schemas/execution-payloads.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { countingEvents } from './fork-events.ts';

export interface Compensation {
  readonly executionId: string;
  /** Of the effect. */
  readonly step: number;
  readonly tool: string;
  /** JSON, as they were journaled. */
  readonly input: string | null;
  readonly output: string | null;
  /** `executionId:step:undo`, of the origin. */
  readonly idempotencyKey: string;
  /**
   * declared: its tool says how. undeclared: it does not, so the effect stands. unknown: whether there was an effect is
   * not known: a person must look.
   */
  readonly kind: 'declared' | 'undeclared' | 'unknown';
}

const UNCERTAIN: ReadonlySet<string> = new Set(['effect-unknown', 'timeout']);

export const compensationsOf = (
  events: readonly AgentEvent[],
  step: number,
  agent: AgentDefinition | null,
): readonly Compensation[] => {
  const begun = new Map<string, Compensation>();
  /** May have happened, whatever became of another try under the same key. */
  const doubtful = new Set<string>();
  for (const event of countingEvents(events)) {
    const key = event.idempotencyKey;
    // A sub-task is another execution: what that one did is undone by a fork of its own.
    if (key === null || event.step <= step || event.priceTable === DELEGATED) continue;
    if (event.type === 'checkpoint' && event.name !== NOT_MADE) continue;
    const tool = agent?.tools?.find((each) => each.name === event.name);
    const kind = tool?.compensate ? 'declared' : 'undeclared';
    if (event.type === 'intent') {
      const { executionId, name, input } = event;
      const effect = { executionId, step: event.step, tool: name ?? '', input, output: null };
      // Nothing was journaled of the try before: its worker died, and it may have happened.
      if (begun.get(key)?.kind === 'unknown') doubtful.add(key);
      begun.set(key, { ...effect, idempotencyKey: undoKeyOf(key), kind: 'unknown' });
      continue;
    }
    const effect = begun.get(key);
    if (!effect) continue;
    // A tool that failed had no effect; one that ran out of time may have had it.
    if (event.type === 'tool-call' && event.error === null)
      begun.set(key, { ...effect, output: event.output, kind });
    else if (event.error && UNCERTAIN.has(event.error.code)) doubtful.add(key);
    else if (event.error && !doubtful.has(key)) begun.delete(key);
  }
  return [...begun.values()].sort((a, b) => b.step - a.step);
};
