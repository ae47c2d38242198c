/**
 * Whether an execution gets anywhere: what it has learned, and a verdict before every step. Part of the execution's
 * folded state: plain JSON, a pure function of the steps seen, the same in every replay (I10).
 *
 * Knowledge is the set of distinct (tool, arguments, outcome) seen. A step progresses where it adds to it: a read that
 * returns something new, a poll whose answer changes. A failed call teaches once that it fails, whatever its message;
 * a refused one teaches nothing. A model's reply to a tool's outcome is no knowledge, as the same thought can be worded
 * anew for ever; right after another reply it is, where it says something new.
 *
 * A step is refused as
 * - `tool-cap`: the tool was called as often as it may be, for itself or in the place of another
 * - `loop`: the same call again and again with nothing learned in between; at once where it repeats an effect
 * - `thrashing`: the last steps are two rounds of one cycle of 2 to 16 steps, and this one begins a third
 * - `no-progress`: so many steps in a row taught nothing
 *
 * Bound: after the last step that taught something, at most `identicalStates` further steps that are not replies to
 * a tool's outcome are allowed, and as many replies and one: never more than 2 × identicalStates + 1. Memory is bounded
 * by the caps below, time by them and not by the length of the execution.
 */

import { hash } from 'node:crypto';
import { ownField } from '../../schemas/own-field.ts';
import { LONGEST_CYCLE, type SafetyPolicy, SEEN_STEPS } from '../../schemas/safety-policy.ts';

/** A step whose outcome is known. */
export interface StepSeen {
  /** As in the journal: retrieve, model, tool, refuse-tool, memory and so on. */
  readonly kind: string;
  /** Of the tool or model. */
  readonly name: string;
  /** Of its arguments. */
  readonly inputHash: string;
  /** Of the tool's output or the model's reply. */
  readonly outcomeHash: string;
  readonly effect: 'read' | 'write';
  /** It came to an error: `outcomeHash` is not looked at. */
  readonly failed?: boolean;
  /** Other tools that were called in its place, each once. */
  readonly standIns?: readonly string[];
}

export interface ProposedStep extends Pick<StepSeen, 'kind' | 'name' | 'inputHash' | 'effect'> {
  /** Of this tool, in the place of the policy's cap. */
  readonly maxCalls?: number | undefined;
}

export type LoopLimits = Pick<
  SafetyPolicy,
  'maxCallsPerTool' | 'repeatLimit' | 'effectRepeatLimit' | 'identicalStates'
>;

export type LoopCode = 'loop' | 'tool-cap' | 'thrashing' | 'no-progress';
export type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly code: LoopCode; readonly reason: string };

interface Seen {
  /** Digest of kind, name and arguments. */
  readonly call: string;
  /** Digest of the call with its outcome. */
  readonly whole: string;
  readonly taught: boolean;
  readonly failed: boolean;
}

export interface LoopState {
  /** Digests of what was learned, the oldest first; by their first digit, so that few are looked at and copied. */
  readonly known: Readonly<Record<string, readonly string[]>>;
  /** By name of a tool, whether it was asked for or stood in for another; with its tries, one call. */
  readonly calls: Readonly<Record<string, number>>;
  /** The last steps, replies to tools left out. */
  readonly recent: readonly Seen[];
  /** Steps since the last that taught something, replies to tools left out. */
  readonly stalled: number;
  /** The last step was a model's. */
  readonly afterModel: boolean;
  /** Digest of every step seen, in order: what a hash of the execution's state needs of all this. */
  readonly chain: string;
}

export const EMPTY_LOOP: LoopState = {
  known: {},
  calls: {},
  recent: [],
  stalled: 0,
  afterModel: false,
  chain: '',
};

/** Of each first digit: an execution of a thousand steps, the most that may be configured, learns half as many. */
const MOST_KNOWN = 128;
/** Names beyond these are counted together: a model can invent any number of them. */
const MOST_NAMES = 64;
const OTHER_NAMES = '(others)';
const DIGEST_CHARACTERS = 16;

/** With its length before each part: no two lists of parts have one text. */
const digestOf = (...parts: readonly string[]): string =>
  hash('sha256', parts.map((part) => `${part.length}:${part}`).join(''), 'hex').slice(0, DIGEST_CHARACTERS);

const isModel = ({ kind }: { readonly kind: string }): boolean => kind === 'model';

/** A model is never asked the same twice, as its prompt grows: it is known by what it says. */
const callOf = ({ kind, name, inputHash }: ProposedStep): string =>
  kind === 'model' ? digestOf(kind, name) : digestOf(kind, name, inputHash);

const countedName = (calls: LoopState['calls'], name: string): string =>
  Object.hasOwn(calls, name) || Object.keys(calls).length < MOST_NAMES ? name : OTHER_NAMES;

/** How often a tool was called: what its cap is held against. */
export const callsOf = ({ calls }: Pick<LoopState, 'calls'>, name: string): number => {
  const counted = countedName(calls, name);
  return ownField(calls, counted) ?? 0;
};

/** How often a tool may still be called, whoever asks for it. */
export const callsLeft = (
  loop: Pick<LoopState, 'calls'>,
  { name, maxCalls }: Pick<ProposedStep, 'name' | 'maxCalls'>,
  { maxCallsPerTool }: Pick<LoopLimits, 'maxCallsPerTool'>,
): number => (maxCalls ?? maxCallsPerTool) - callsOf(loop, name);

const withCall = (calls: LoopState['calls'], name: string): LoopState['calls'] => ({
  ...calls,
  [countedName(calls, name)]: callsOf({ calls }, name) + 1,
});

const withCalls = ({ calls }: LoopState, step: StepSeen): LoopState['calls'] => {
  if (isModel(step)) return calls;
  const own = withCall(calls, step.name);
  return step.standIns ? step.standIns.reduce(withCall, own) : own;
};

const lastOf = <Of>(list: readonly Of[], most: number, next: Of): readonly Of[] =>
  list.length < most ? [...list, next] : [...list.slice(list.length - most + 1), next];

export const afterStep = (loop: LoopState, step: StepSeen): LoopState => {
  const failed = step.failed ?? false;
  const call = callOf(step);
  const whole = digestOf(call, failed ? 'failed' : `done ${step.outcomeHash}`);
  const chain = digestOf(loop.chain, whole);
  if (isModel(step) && !loop.afterModel) return { ...loop, chain, afterModel: true };
  const digit = whole.slice(0, 1);
  const alike = loop.known[digit] ?? [];
  const taught = step.kind !== 'refuse-tool' && !alike.includes(whole);
  return {
    known: taught ? { ...loop.known, [digit]: lastOf(alike, MOST_KNOWN, whole) } : loop.known,
    calls: withCalls(loop, step),
    recent: lastOf(loop.recent, SEEN_STEPS, { call, whole, taught, failed }),
    stalled: taught ? 0 : loop.stalled + 1,
    afterModel: isModel(step),
    chain,
  };
};

const ALLOWED: Verdict = { allowed: true };

/** Whether the step may be taken. Replies that follow a tool's outcome always may: they are how an execution ends. */
export const loopVerdict = (loop: LoopState, proposed: ProposedStep, limits: LoopLimits): Verdict => {
  if (isModel(proposed)) return loop.afterModel ? (stallVerdict(loop, limits) ?? ALLOWED) : ALLOWED;
  const call = callOf(proposed);
  return (
    capVerdict(loop, proposed, limits) ??
    repeatVerdict(loop, call, proposed, limits) ??
    cycleVerdict(loop, call) ??
    stallVerdict(loop, limits) ??
    ALLOWED
  );
};

const refuse = (code: LoopCode, reason: string): Verdict => ({ allowed: false, code, reason });

const capVerdict = (loop: LoopState, proposed: ProposedStep, limits: LoopLimits): Verdict | null => {
  const left = callsLeft(loop, proposed, limits);
  if (left > 0) return null;
  const calls = callsOf(loop, proposed.name);
  return refuse('tool-cap', `${proposed.name} was called ${calls} times, of ${calls + left} that it may be`);
};

const repeatVerdict = (
  loop: LoopState,
  call: string,
  proposed: ProposedStep,
  limits: LoopLimits,
): Verdict | null => {
  // Back to the step that taught last; an effect's own outcome is no reason to repeat it.
  let same = 0;
  let effects = 0;
  let learning = true;
  for (let at = loop.recent.length - 1; at >= 0; at -= 1) {
    const seen = loop.recent[at];
    if (!seen) break;
    if (seen.call === call && learning) same += 1;
    if (seen.call === call && !seen.failed) effects += 1;
    if (seen.taught) learning = false;
    if (seen.taught && seen.call !== call) break;
  }
  if (proposed.effect === 'write' && effects > limits.effectRepeatLimit)
    return refuse(
      'loop',
      `${proposed.name} took effect ${times(effects)} with these arguments, and nothing was learned since`,
    );
  return same > limits.repeatLimit
    ? refuse(
        'loop',
        `${proposed.name} was called ${times(same)} with these arguments, and nothing was learned since`,
      )
    : null;
};

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

const cycleVerdict = ({ recent }: LoopState, call: string): Verdict | null => {
  const end = recent.length;
  for (let length = 2; length <= LONGEST_CYCLE && 2 * length <= end; length += 1) {
    if (recent[end - length]?.call !== call) continue;
    let differs = false;
    let varied = false;
    for (let at = end - length; at < end && !differs; at += 1) {
      differs = recent[at]?.whole !== recent[at - length]?.whole;
      varied ||= recent[at]?.whole !== recent[end - 1]?.whole;
    }
    // The same step again and again is a repeat, with a limit of its own.
    if (!differs && varied)
      return refuse('thrashing', `the last ${2 * length} steps are one cycle of ${length}, two times over`);
  }
  return null;
};

const stallVerdict = ({ stalled }: LoopState, { identicalStates }: LoopLimits): Verdict | null =>
  stalled >= identicalStates ? refuse('no-progress', `${stalled} steps in a row taught nothing new`) : null;
