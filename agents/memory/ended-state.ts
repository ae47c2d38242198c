/**
 * Folds a stretch of one partition of the journal, in its order, to the executions that ended in it, whole: from their question on, or from a
 * snapshot of them, as whoever goes on with one that waited for long (rule J). Pure.
 */
import {
  advanceOrder,
  type EventPlace,
  type ExecutionOrder,
  UNCLAIMED,
} from '../../schemas/execution-order.ts';
import { parseTerminalOutput, parseUserInput, RETRIEVE } from '../../schemas/execution-payloads.ts';
import { isOfUnbegun, isSnapshot, snapshotPlaceOf } from '../../schemas/execution-snapshot.ts';
import {
  type JournalPlace,
  leastTrusted,
  type MemoryOrigin,
  originOfRecalled,
  parseRecollection,
  RECALL,
} from '../../schemas/recollection.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { toldOf } from '../runtime/execution-memory.ts';
import { snapshotStateOf } from '../runtime/snapshot.ts';
import { answerTextOf, type EndedExecution, type ToldByState } from './remembered-turn.ts';

/** What an event says that is kept of it while its execution is followed: outputs of tools and models are none of it. */
export interface EndedSaid extends EventPlace {
  readonly executionId: string;
  readonly place: JournalPlace;
  readonly told: Partial<ToldByState>;
  /** A snapshot or an end, whole. */
  readonly event: AgentEvent | null;
}

/** `snapshot`: what it was told before that stands elsewhere; to be put before by `withSnapshot`. */
export interface EndedFound {
  readonly ended: EndedExecution;
  readonly snapshot: AgentEvent | null;
}

export interface EndedFold {
  /** The execution that this ended, if it did. */
  take(said: EndedSaid): EndedFound | undefined;
  /** What was said of those whose end was read, and whose beginning lies before what was: by execution, in the journal's order. */
  missed(): ReadonlyMap<string, readonly EndedSaid[]>;
}

interface Following {
  /** Before the first of `said`. */
  start: ExecutionOrder;
  /** Until then; by a snapshot that stands elsewhere it is not known yet. */
  told: ToldByState;
  snapshot: AgentEvent | null;
  isRestored: boolean;
  order: ExecutionOrder;
  said: EndedSaid[];
}

/** Executions that are followed at once; the oldest of more are given up. As many ends are known again. */
const MOST_OPEN = 50_000;

const NOTHING_TOLD: ToldByState = { question: '', tools: [], retrieved: false, recalled: 'user' };

/** The journal can be written by anyone who reaches Kafka: what is not of its shape says nothing, and stops nobody. */
const ifShaped = <Said>(read: () => Said): Said | undefined => {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
};

/** What stands elsewhere is not read for it, and what cannot be read is not trusted: it may have come from anywhere. */
const originOfRecall = ({ output, outputPayload }: AgentEvent): MemoryOrigin => {
  if (output === null && outputPayload === null) return 'user';
  const recalled = parseRecollection(output);
  return (recalled && ifShaped(() => originOfRecalled(recalled))) ?? 'tool';
};

/** Undefined where the snapshot holds no state. */
const toldBySnapshot = (snapshot: AgentEvent): ToldByState | undefined => {
  const state = snapshotStateOf(snapshot);
  const told = state ? ifShaped(() => toldOf(state)) : undefined;
  return typeof told?.question === 'string' ? told : undefined;
};

const toldIn = (event: AgentEvent): Partial<ToldByState> => {
  const { type, name, input, error } = event;
  if (type === 'user-input') return { question: parseUserInput(input)?.text ?? '' };
  if (type === 'memory-update' && name === RECALL) return { recalled: originOfRecall(event) };
  if (type !== 'tool-call') return {};
  if (name === RETRIEVE) return { retrieved: true };
  return { tools: [{ name: name ?? '', input: input ?? '', worked: error === null }] };
};

export const saidBy = (event: AgentEvent, place: JournalPlace): EndedSaid => ({
  ...{ executionId: event.executionId, place, told: toldIn(event) },
  ...{ type: event.type, epoch: event.epoch, worker: event.worker, sequence: event.sequence },
  event: event.type === 'response' || isSnapshot(event) ? event : null,
});

const together = (before: ToldByState, after: Partial<ToldByState>): ToldByState => ({
  ...before,
  ...after,
  tools: [...before.tools, ...(after.tools ?? [])],
});

/** Undefined where the snapshot holds no state. */
export const withSnapshot = (ended: EndedExecution, snapshot: AgentEvent): EndedExecution | undefined => {
  const before = toldBySnapshot(snapshot);
  if (!before) return undefined;
  return {
    ...ended,
    question: ended.question || before.question,
    tools: [...before.tools, ...ended.tools],
    retrieved: before.retrieved || ended.retrieved,
    recalled: leastTrusted([before.recalled, ended.recalled]),
  };
};

/**
 * Later events of stale claims change nothing (rule J). `from`: the first offset that is read; a snapshot that begins before it may be
 * of a worker that was believed dead. `localTenant`: whose an execution is that names none.
 */
export const foldEnded = (localTenant: string, from: number): EndedFold => {
  const open = new Map<string, Following>();
  const over = new Set<string>();

  const follow = (executionId: string): Following => {
    const known = open.get(executionId);
    if (known) return known;
    const begun: Following = {
      ...{ start: UNCLAIMED, told: NOTHING_TOLD, snapshot: null, isRestored: false },
      ...{ order: UNCLAIMED, said: [] },
    };
    open.set(executionId, begun);
    const [oldest] = open.keys();
    if (open.size > MOST_OPEN && oldest !== undefined) open.delete(oldest);
    return begun;
  };

  /** By the rule of `runtime/journal-fold.ts`: its own claim still stands after what was said from where its state ends. */
  const restore = (following: Following, event: AgentEvent, offset: number): void => {
    const place = snapshotPlaceOf(event);
    if (!place || following.order.ended || place.from < from || place.from > offset) return;
    // Its end may be forgotten by now.
    if (offset - place.from > MOST_OPEN) return;
    const said = following.said.filter((each) => each.place.offset >= place.from);
    let { order } = place;
    let stands = false;
    for (const each of said) {
      const next = advanceOrder(order, each);
      stands = next !== null;
      order = next ?? order;
    }
    if (!(isOfUnbegun(event) ? following.order.epoch === 0 : stands)) return;
    const isElsewhere = event.outputPayload !== null;
    const told = isElsewhere ? NOTHING_TOLD : toldBySnapshot(event);
    if (!told) return;
    Object.assign(following, {
      ...{ start: place.order, told, snapshot: isElsewhere ? event : null, isRestored: true, order },
      // Told by now: of thousands that wait, their whole states would be held.
      said: said.map((each) => ({ ...each, event: null })),
    });
  };

  const end = ({ start, told, snapshot, said }: Following, event: AgentEvent, place: JournalPlace) => {
    const terminal = parseTerminalOutput(event.output);
    if (!terminal) return undefined;
    let order = start;
    let all = told;
    for (const each of said) {
      const next = advanceOrder(order, each);
      if (next) all = together(all, each.told);
      order = next ?? order;
    }
    const { executionId, agent, tenant, sessionId, at } = event;
    const ended: EndedExecution = {
      ...{ executionId, agent, tenant: tenant ?? localTenant, sessionId, place, at, ...all },
      ...{ outcome: terminal.outcome, answer: answerTextOf(terminal.output), feedback: null },
    };
    return { ended, snapshot };
  };

  return {
    take: (said) => {
      const { executionId, event, place } = said;
      if (over.has(executionId)) return undefined;
      const following = follow(executionId);
      const order = advanceOrder(following.order, said);
      const isWhole = following.order.hasInput && order !== null;
      const isNeeded = event?.type === 'response' || !(isWhole || following.isRestored);
      following.said.push(isNeeded ? said : { ...said, event: null });
      following.order = order ?? following.order;
      if (event && isSnapshot(event) && isNeeded) restore(following, event, place.offset);
      if (event?.type !== 'response' || !following.order.ended || !following.order.hasInput) return undefined;
      open.delete(executionId);
      over.add(executionId);
      const [oldest] = over;
      if (over.size > MOST_OPEN && oldest !== undefined) over.delete(oldest);
      return end(following, event, place);
    },
    missed: () =>
      new Map(
        [...open]
          .filter(([, { order, said }]) => !order.hasInput && said.some(({ type }) => type === 'response'))
          .map(([executionId, { said }]) => [executionId, said]),
      ),
  };
};
