/**
 * The journal of one execution under one claim: makes its events, keeps its state ahead of the log, and waits for the
 * log where it must (rule J). Barriers are the caller's to choose.
 */
import type { Clock } from '../../schemas/clock.ts';
import { toError } from '../../schemas/errors.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { wellFormed } from '../../schemas/well-formed.ts';
import { type ExecutionState, stateHashOf } from './execution-state.ts';
import { applyEvent } from './fold-events.ts';
import { isTaken, type PartitionJournal } from './partition-journal.ts';

/** What every event of an execution carries. */
export type Identity = Pick<
  AgentEvent,
  'executionId' | 'taskId' | 'agent' | 'behaviour' | 'worker' | 'tenant' | 'sessionId'
>;

/** What is said of one event; the rest is filled in. */
export type EventDraft = Pick<AgentEvent, 'type' | 'step'> &
  Partial<Omit<AgentEvent, keyof Identity | 'type' | 'step' | 'epoch' | 'sequence'>>;

export interface ExecutionJournal {
  /** Ahead of the log by what was written behind. */
  state(): ExecutionState;
  /** Goes on from what the log says, once the claim stands in it: others may have written up to that point. */
  resume(state: ExecutionState): void;
  /** Goes with the next barrier, or by itself after a moment; its failure shows at that barrier. */
  writeBehind(draft: EventDraft): void;
  /**
   * Goes within a millisecond, with what was written behind, and is not waited for; its failure shows at the next barrier.
   * `onTaken`: once it stands in the log, be it under a stale claim. Not called where that is not known.
   */
  writeAtOnce(draft: EventDraft, onTaken: () => void): void;
  /** Resolves with the offset of the last event once it, and all before it, stand in the log under the highest claim. Errors: of PartitionJournal.append. */
  write(...drafts: readonly EventDraft[]): Promise<number>;
  /** As `write`, with `onTaken` as of `writeAtOnce`. */
  writeTaken(onTaken: () => void, ...drafts: readonly EventDraft[]): Promise<number>;
  /** Lets go of it: says so in the log, if the log can still be reached, and waits for nothing. */
  release(): void;
}

type Made = { -readonly [Field in keyof AgentEvent]: AgentEvent[Field] };

/** An event with what is not said of it left blank. Field by field: spreading thirty of them three times over was a tenth of a worker's time. */
export const eventOf = (
  identity: Identity,
  draft: EventDraft,
  place: Pick<AgentEvent, 'epoch' | 'sequence'>,
  now: number,
): Made => ({
  executionId: identity.executionId,
  taskId: identity.taskId,
  epoch: place.epoch,
  sequence: place.sequence,
  type: draft.type,
  step: draft.step,
  at: draft.at ?? now,
  agent: identity.agent,
  behaviour: identity.behaviour,
  worker: identity.worker,
  tenant: identity.tenant,
  sessionId: identity.sessionId,
  name: textOf(draft.name),
  input: draft.input ?? null,
  output: draft.output ?? null,
  inputHash: draft.inputHash ?? null,
  error: draft.error ? { ...draft.error, message: wellFormed(draft.error.message) } : null,
  usage: draft.usage ?? null,
  reservedUsd: draft.reservedUsd ?? null,
  costUsd: draft.costUsd ?? null,
  priceTable: draft.priceTable ?? null,
  idempotencyKey: draft.idempotencyKey ?? null,
  stateHashBefore: null,
  stateHashAfter: null,
  durationMicros: draft.durationMicros ?? 0,
  task: draft.task ?? null,
  via: draft.via ?? null,
  attempts: draft.attempts ?? 1,
  note: textOf(draft.note),
  standIns: draft.standIns ?? null,
  inputPayload: draft.inputPayload ?? null,
  outputPayload: draft.outputPayload ?? null,
});

/** What is JSON has escapes for whatever it holds; what is said in words is kept as it will be read. */
const textOf = (words: string | null | undefined): string | null =>
  words === null || words === undefined ? null : wellFormed(words);

/**
 * How long a step that is written behind waits for a barrier to go with: sent by itself at once, it would make the
 * barrier right behind it wait for a second send.
 */
const BEHIND_MS = 5;
/** The same of a model's reply, which is worth more: after an instant tool, it goes with the next call's intent. */
const REPLY_MS = 1;

/** `epoch` of the claim, which is the first event that counts under it. */
export const openExecutionJournal = (
  partition: Pick<PartitionJournal, 'append' | 'leave'>,
  identity: Identity,
  epoch: number,
  begun: ExecutionState,
  clock: Clock,
): ExecutionJournal => {
  let state = begun;
  let sequence = 0;
  let failure: Error | undefined;
  let behind: AgentEvent[] = [];
  let waiting: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let soon: NodeJS.Timeout | undefined;

  const takeBehind = (): AgentEvent[] => {
    clearTimeout(timer);
    clearTimeout(soon);
    timer = undefined;
    soon = undefined;
    const events = behind;
    behind = [];
    return events;
  };

  /** Tells those that wait now, once what they wait for is in the log. */
  const telling = async <Answer>(appending: Promise<Answer>): Promise<Answer> => {
    const told = waiting;
    waiting = [];
    const tell = (): void => {
      for (const onTaken of told) onTaken();
    };
    try {
      const answer = await appending;
      tell();
      return answer;
    } catch (thrown) {
      if (isTaken(thrown)) tell();
      throw thrown;
    }
  };

  const sendBehind = (): void => {
    telling(partition.append(takeBehind())).catch((thrown) => {
      failure ??= toError(thrown);
    });
  };

  const write: ExecutionJournal['write'] = async (...drafts) => {
    // What could not be written left a gap: what is built on it would not count.
    if (failure) throw failure;
    const made = drafts.map(make);
    const offset = await telling(partition.append([...takeBehind(), ...made]));
    if (failure) throw failure;
    return offset;
  };

  const make = (draft: EventDraft): AgentEvent => {
    // The task stands in the journal whoever claims it: its event is under no claim.
    const place = draft.type === 'user-input' ? { epoch: 0, sequence: 0 } : { epoch, sequence: sequence++ };
    const event = eventOf(identity, draft, place, clock());
    const next = applyEvent(state, event);
    event.stateHashBefore = stateHashOf(state);
    event.stateHashAfter = stateHashOf(next);
    state = next;
    return event;
  };

  return {
    state: () => state,
    resume: (fromLog) => {
      state = fromLog;
    },
    writeBehind: (draft) => {
      behind.push(make(draft));
      timer ??= setTimeout(sendBehind, BEHIND_MS);
    },
    writeAtOnce: (draft, onTaken) => {
      behind.push(make(draft));
      waiting.push(onTaken);
      soon ??= setTimeout(sendBehind, REPLY_MS);
    },
    release: () => {
      const made = make({ type: 'checkpoint', name: 'released', step: state.step });
      telling(partition.leave([...takeBehind(), made])).catch(() => undefined);
    },
    write,
    writeTaken: (onTaken, ...drafts) => {
      if (!failure) waiting.push(onTaken);
      return write(...drafts);
    },
  };
};
