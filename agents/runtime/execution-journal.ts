/**
 * The journal of one execution under one claim: makes its events, keeps its state ahead of the log, and waits for the
 * log where it must (rule J). Barriers are the caller's to choose.
 */
import type { Clock } from '../../schemas/clock.ts';
import { toError } from '../../schemas/errors.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { type ExecutionState, stateHashOf } from './execution-state.ts';
import { applyEvent } from './fold-events.ts';
import type { PartitionJournal } from './partition-journal.ts';

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
  /** Goes at once, with what was written behind, and is not waited for; its failure shows at the next barrier. */
  writeAtOnce(draft: EventDraft): void;
  /** Resolves with the offset of the last event once it, and all before it, stand in the log under the highest claim. Errors: of PartitionJournal.append. */
  write(...drafts: readonly EventDraft[]): Promise<number>;
  /** Lets go of it: says so in the log, if the log can still be reached, and waits for nothing. */
  release(): void;
}

/** An event of which nothing is said. */
export const BLANK_EVENT = {
  name: null,
  input: null,
  output: null,
  inputHash: null,
  error: null,
  usage: null,
  reservedUsd: null,
  costUsd: null,
  priceTable: null,
  idempotencyKey: null,
  stateHashBefore: null,
  stateHashAfter: null,
  durationMicros: 0,
  task: null,
  via: null,
  attempts: 1,
  note: null,
} as const;

/**
 * How long a step that is written behind waits for a barrier to go with: sent by itself at once, it would make the
 * barrier right behind it wait for a second send.
 */
const BEHIND_MS = 5;

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
  let timer: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;

  const takeBehind = (): AgentEvent[] => {
    clearTimeout(timer);
    clearImmediate(turn);
    timer = undefined;
    turn = undefined;
    const events = behind;
    behind = [];
    return events;
  };

  const sendBehind = (): void => {
    partition.append(takeBehind()).catch((thrown) => {
      failure ??= toError(thrown);
    });
  };

  const make = (draft: EventDraft): AgentEvent => {
    // The task stands in the journal whoever claims it: its event is under no claim.
    const place = draft.type === 'user-input' ? { epoch: 0, sequence: 0 } : { epoch, sequence: sequence++ };
    const event = { ...BLANK_EVENT, at: clock(), ...identity, ...draft, ...place };
    const next = applyEvent(state, event);
    // In place: an event of thirty fields is not copied a second time on the path of every step.
    const hashes = { stateHashBefore: stateHashOf(state), stateHashAfter: stateHashOf(next) };
    state = next;
    return Object.assign(event, hashes);
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
    writeAtOnce: (draft) => {
      behind.push(make(draft));
      // After this turn: a barrier that follows without a wait, as the end of an execution does, takes it along.
      turn ??= setImmediate(sendBehind);
    },
    release: () => {
      const made = make({ type: 'checkpoint', name: 'released', step: state.step });
      partition.leave([...takeBehind(), made]);
    },
    write: async (...drafts) => {
      const made = drafts.map(make);
      const offset = await partition.append([...takeBehind(), ...made]);
      if (failure) throw failure;
      return offset;
    },
  };
};
