/**
 * An execution that goes on from another's recorded state: what it takes over is journaled with its first claim, and what the
 * other did outside after that step is undone first, where its tools say how (agents/replay/fork-events.ts).
 */
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { DELEGATED } from '../../schemas/execution-costs.ts';
import { isOfUnbegun } from '../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { compensationsOf } from '../replay/compensations.ts';
import { countingEvents, forkedEvents } from '../replay/fork-events.ts';
import { type EffectToUndo, effectsToUndo } from '../replay/undo-effects.ts';
import type { DecisionFacts } from './decide.ts';
import type { EventDraft } from './execution-journal.ts';
import type { ExecutionToRun, RunServices } from './execution-run.ts';

export interface ForkBegun {
  /** All of the origin's events. */
  readonly origin: readonly AgentEvent[];
  /** What is taken over of them, */
  readonly drafts: readonly EventDraft[];
  /** up to this step. */
  readonly step: number;
  readonly refusal: DecisionFacts['refusal'];
}

export const NO_FORK: ForkBegun = { origin: [], drafts: [], step: 0, refusal: null };

/** Errors that may pass are thrown; what can never be forked is a refusal. */
export const readFork = async (run: ExecutionToRun, services: RunServices): Promise<ForkBegun> => {
  const { fork } = run.input;
  const { snapshot } = services.journal.fold.execution(run.identity.executionId) ?? {};
  // What was journaled whole under a claim has taken over all and undone all, however long the origin is kept.
  if (!fork || (snapshot && !isOfUnbegun(snapshot))) return NO_FORK;
  const { partition, offset, step } = fork;
  const { identity } = run;
  try {
    const origin = await services.readExecution({ topic: TOPICS.agentEvents.name, partition, offset });
    const forked = forkedEvents(origin, step, identity.executionId);
    // Of another tenant it says no more than of none (I9).
    const tenant = identity.tenant ?? services.localTenant;
    if ((forked.tenant ?? services.localTenant) !== tenant || forked.agent !== identity.agent)
      throw new FreshetError(
        'not-found',
        `there is no execution of ${identity.agent} at ${partition}:${offset}`,
      );
    return { origin, drafts: forked.drafts, step: forked.step, refusal: null };
  } catch (thrown) {
    const error = toFreshetError(thrown);
    if (error.code === 'payload-lost')
      return { ...NO_FORK, refusal: { code: 'payload-lost', message: error.message } };
    if (error.code !== 'not-found' && error.code !== 'request-invalid') throw error;
    return { ...NO_FORK, refusal: { code: 'task-invalid', message: error.message } };
  }
};

/**
 * What of the drafts does not stand in the journal yet. They take several sends where they are large, and their worker may be lost between
 * two: then they stand behind its claim as far as they came, and a model call whose reply did not come is begun again. None once anything of its own
 * stands there.
 */
export const missingDrafts = (
  drafts: readonly EventDraft[],
  events: readonly AgentEvent[],
): readonly EventDraft[] => {
  let copied = 0;
  for (const event of countingEvents(events)) {
    if (OF_CLAIMS.has(event.type)) continue;
    if (isCopyOf(event, drafts[copied])) copied += 1;
    else if (!isCopyOf(event, drafts[copied - 1])) return [];
  }
  return drafts.slice(isModelReply(drafts[copied - 1], drafts[copied]) ? copied - 1 : copied);
};

/** Of a tool the outcome says all; a reply counts only behind the intent of its own claim. */
const isModelReply = (intent: EventDraft | undefined, next: EventDraft | undefined): boolean =>
  intent?.type === 'intent' &&
  intent.priceTable !== DELEGATED &&
  (next?.type === 'llm-response' || (next?.type === 'error' && !next.idempotencyKey));

const OF_CLAIMS: ReadonlySet<AgentEvent['type']> = new Set(['user-input', 'claim', 'request']);

/** What is copied keeps its time. */
const isCopyOf = ({ type, step, at, name }: AgentEvent, draft: EventDraft | undefined): boolean =>
  draft?.type === type && draft.step === step && draft.at === at && draft.name === name;

/** What is to be undone before its first decision, each once, whoever begins it and however often. */
export const effectsOfOrigin = (
  { agent, identity, input }: ExecutionToRun,
  services: RunServices,
  { origin, step }: ForkBegun,
): EffectToUndo[] => {
  if (!agent || input.fork?.compensate !== true) return [];
  const journaled = services.journal.fold.execution(identity.executionId)?.events ?? [];
  return [...effectsToUndo(compensationsOf(origin, step, agent), journaled)];
};
