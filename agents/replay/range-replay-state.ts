/**
 * A stretch of one partition's journal, replayed in one pass: many executions lie interleaved in it, each is followed
 * event by event, and of each only its state is kept. Kept in place, as it is on the path of every event; no I/O.
 *
 * An execution belongs to a range when one of its events stands in it. It is replayed whole, from its beginning, which
 * may lie before the range, to its end, which may lie after it.
 */
import type { AgentEvent } from '../../schemas/records.ts';
import { type ExecutionState, INITIAL_STATE } from '../runtime/execution-state.ts';
import type { FindBehaviour } from './find-behaviour.ts';
import { type ReplayedDecision, replayEvent } from './replay-events.ts';

export interface ReplayedExecution {
  readonly executionId: string;
  readonly taskId: string;
  readonly agent: string;
  readonly tenant: string | null;
  /** Under which it ran last. */
  readonly behaviour: string;
  /** Where its first event that was read stands, in the partition. */
  readonly offset: number;
  /**
   * identical, different: it was replayed to its end. unfinished: it has no end yet, or was set aside as too many were
   * open; what there is of it was replayed. cut: its beginning, or a payload of it, is past the retention, so it could not be replayed.
   */
  readonly state: 'identical' | 'different' | 'unfinished' | 'cut';
  readonly decisions: number;
  readonly different: number;
  readonly firstDifference: ReplayedDecision | null;
}

export interface RangeReplay {
  /** False: it is of an execution that is not replayed, so what the journal holds of it by reference need not be read. */
  needsWhole(event: AgentEvent): boolean;
  /** Takes in the next event; returns what ended with it and belongs to the range. `bytes`: what is held of it; `isCut`: a payload of it is gone. */
  offer(offset: number, event: AgentEvent, bytes: number, isCut?: boolean): readonly ReplayedExecution[];
  /** Executions of the range whose beginning was not among what was read. */
  beheaded(): ReadonlySet<string>;
  /** Every execution of the range is at its end: nothing further needs to be read. */
  isDone(): boolean;
  open(): number;
  /** Those of the range that have not ended, once all is read. */
  rest(): readonly ReplayedExecution[];
}

export interface RangeSettings {
  /** First and last offset of the range, both in it. */
  readonly from: number;
  readonly to: number;
  readonly findBehaviour: FindBehaviour;
  /** Of events, what is held of open executions before the oldest is set aside. */
  readonly maxBytes?: number;
  /** Follow these alone; all where left out. */
  readonly only?: ReadonlySet<string>;
}

interface Followed {
  state: ExecutionState;
  readonly executionId: string;
  readonly taskId: string;
  readonly agent: string;
  readonly tenant: string | null;
  readonly offset: number;
  behaviour: string;
  inRange: boolean;
  isCut: boolean;
  decisions: number;
  different: number;
  firstDifference: ReplayedDecision | null;
  bytes: number;
}

const MAX_BYTES = 256 * 1024 * 1024;
/** Ids of executions that ended, as a worker that was believed dead may write after the end. */
const MAX_ENDED = 100_000;

const shown = (
  { executionId, taskId, agent, tenant, behaviour, offset, decisions, different, firstDifference }: Followed,
  state: ReplayedExecution['state'],
): ReplayedExecution => ({
  ...{ executionId, taskId, agent, tenant, behaviour, offset },
  ...{ state, decisions, different, firstDifference },
});

export const createRangeReplay = (settings: RangeSettings): RangeReplay => {
  const { from, to, findBehaviour, only, maxBytes = MAX_BYTES } = settings;
  const followed = new Map<string, Followed>();
  const passed = new Set<string>();
  const beheaded = new Set<string>();
  /** Set aside before the range, to be told of once it turns out that it reaches into it. */
  const aside = new Map<string, ReplayedExecution>();
  let openInRange = 0;
  let bytes = 0;
  let reached = -1;

  const drop = (each: Followed): void => {
    followed.delete(each.executionId);
    bytes -= each.bytes;
    if (each.inRange) openInRange -= 1;
    passed.add(each.executionId);
    const [oldest] = passed.size > MAX_ENDED ? passed : [];
    if (oldest === undefined) return;
    passed.delete(oldest);
    aside.delete(oldest);
  };

  const begin = (offset: number, event: AgentEvent): Followed => {
    const { executionId, taskId, agent, tenant, behaviour } = event;
    const begun: Followed = {
      ...{ executionId, taskId, agent, tenant, behaviour, offset },
      state: INITIAL_STATE,
      inRange: false,
      isCut: false,
      decisions: 0,
      different: 0,
      firstDifference: null,
      bytes: 0,
    };
    followed.set(executionId, begun);
    return begun;
  };

  const advance = (each: Followed, event: AgentEvent): void => {
    const { state, decision } = replayEvent(each.state, event, findBehaviour);
    each.state = state;
    if (event.type === 'claim') each.behaviour = event.behaviour;
    if (!decision || each.isCut) return;
    each.decisions += 1;
    if (decision.same) return;
    each.different += 1;
    each.firstDifference ??= decision;
  };

  /** The oldest go first: what has been open for longest is likeliest to have been left for good. */
  const setAside = (): readonly ReplayedExecution[] => {
    const made: ReplayedExecution[] = [];
    for (const each of followed.values()) {
      if (bytes <= maxBytes || followed.size <= 1) break;
      if (each.inRange) made.push(shown(each, 'unfinished'));
      else aside.set(each.executionId, shown(each, 'unfinished'));
      drop(each);
    }
    return made;
  };

  const isPassedOver = (executionId: string): boolean =>
    (only !== undefined && !only.has(executionId)) || passed.has(executionId);

  return {
    needsWhole: ({ executionId, type }) =>
      !isPassedOver(executionId) && (type === 'user-input' || followed.has(executionId)),
    offer: (offset, event, size, isCut = false) => {
      reached = Math.max(reached, offset);
      const { executionId } = event;
      const inRange = offset >= from && offset <= to;
      if (isPassedOver(executionId)) {
        const left = inRange && aside.get(executionId);
        if (left) aside.delete(executionId);
        return left ? [left] : [];
      }
      let each = followed.get(executionId);
      if (!each) {
        if (event.type !== 'user-input') {
          if (inRange) beheaded.add(executionId);
          return [];
        }
        if (offset > to) return [];
        each = begin(offset, event);
      }
      if (inRange && !each.inRange) {
        each.inRange = true;
        openInRange += 1;
      }
      each.isCut ||= isCut;
      each.bytes += size;
      bytes += size;
      advance(each, event);
      if (!each.state.order.ended) return setAside();
      drop(each);
      if (!each.inRange) return [];
      return [shown(each, each.isCut ? 'cut' : each.different > 0 ? 'different' : 'identical')];
    },
    beheaded: () => beheaded,
    isDone: () => reached >= to && openInRange === 0,
    open: () => followed.size,
    rest: () =>
      [...followed.values()].filter(({ inRange }) => inRange).map((each) => shown(each, 'unfinished')),
  };
};
