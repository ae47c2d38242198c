/**
 * What the safety controller, a switch or a person put an end to: the newest of them, each with the check that said so, its
 * reason, and the last steps before it as evidence. One fold over the events that count, bounded; read again, it comes out the same.
 */

import { LRUCache } from 'lru-cache';
import type { EndCode } from '../../schemas/execution-payloads.ts';
import { ownField } from '../../schemas/own-field.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { type Counted, countedBy } from './counted-by.ts';
import type { ExecutionEntry } from './execution-entry.ts';
import { isOf, type OfWhom } from './of-whom.ts';

/** Which check ended an execution. */
export const CHECKS = ['loop', 'limits', 'day-budget', 'kill', 'cancel', 'poison', 'effect'] as const;
export type Check = (typeof CHECKS)[number];

/** Ends that safety had a part in; of all others, the agent or its surroundings failed. */
const CHECK_OF: Partial<Readonly<Record<EndCode, Check>>> = {
  loop: 'loop',
  thrashing: 'loop',
  'no-progress': 'loop',
  'tool-cap': 'loop',
  'step-cap': 'limits',
  'token-cap': 'limits',
  'money-cap': 'limits',
  'wall-time': 'limits',
  deadline: 'limits',
  'agent-budget': 'day-budget',
  'tenant-budget': 'day-budget',
  killed: 'kill',
  cancelled: 'cancel',
  poison: 'poison',
  'effect-unknown': 'effect',
};

export const checkOf = (code: string): Check | null => ownField<Check | null>(CHECK_OF, code) ?? null;

/** A step before a halt. */
export interface StepBefore {
  readonly step: number;
  /** Of the tool or the model. */
  readonly name: string;
  /** JSON as it is journaled, cut off. */
  readonly input: string | null;
  /** Null where it succeeded. */
  readonly error: string | null;
}

export interface Halt {
  readonly executionId: string;
  readonly taskId: string;
  readonly agent: string;
  readonly tenant: string | null;
  readonly check: Check;
  readonly code: string;
  /** What the check says of it. */
  readonly reason: string;
  /** The last step that was begun. */
  readonly step: number;
  /** Microseconds since the Unix epoch. */
  readonly at: number;
  /** Where the end stands in the journal. */
  readonly partition: number;
  readonly offset: number;
  /** Oldest first. */
  readonly before: readonly StepBefore[];
}

export interface HaltList {
  /** An event that counts, with the entry after it. */
  event(
    event: AgentEvent,
    entry: Pick<ExecutionEntry, 'result' | 'steps'>,
    place: { readonly partition: number; readonly offset: number },
  ): void;
  /** Newest first, with all that are held counted by code. */
  list(
    limit: number,
    filter?: OfWhom,
  ): { readonly held: number; readonly groups: readonly Counted[]; readonly items: readonly Halt[] };
  clear(): void;
}

const MAX_HELD = 500;
const MAX_OPEN = 2_000;
const STEPS_BEFORE = 6;
const MAX_INPUT = 200;
const MAX_REASON = 1_000;

export const createHaltList = (
  limits: { readonly held: number; readonly open: number } = { held: MAX_HELD, open: MAX_OPEN },
): HaltList => {
  const halts = new Map<string, Halt>();
  /** The last steps of executions that run. */
  const open = new LRUCache<string, readonly StepBefore[]>({ max: limits.open });
  return {
    event: (event, entry, { partition, offset }) => {
      const { executionId, taskId, agent, tenant, at } = event;
      if (event.type !== 'response') {
        const step = stepOf(event);
        if (step) open.set(executionId, withStep(open.get(executionId) ?? [], step));
        return;
      }
      const before = open.get(executionId) ?? [];
      open.delete(executionId);
      const { code, message } = entry.result?.error ?? {};
      const check = code === undefined ? null : checkOf(code);
      if (code === undefined || check === null) return;
      const reason = (message ?? '').slice(0, MAX_REASON);
      const what = { executionId, taskId, agent, tenant, check, code, reason, step: entry.steps };
      halts.delete(executionId);
      halts.set(executionId, { ...what, at, partition, offset, before });
      const [oldest] = halts.keys();
      if (halts.size > limits.held && oldest !== undefined) halts.delete(oldest);
    },
    list: (limit, of = {}) => {
      const found = [...halts.values()]
        .filter(isOf(of))
        // Partitions are read beside each other.
        .sort((a, b) => b.at - a.at);
      return {
        held: found.length,
        groups: countedBy(found, ({ code }) => code),
        items: found.slice(0, limit),
      };
    },
    clear: () => {
      halts.clear();
      open.clear();
    },
  };
};

const STEPS: ReadonlySet<AgentEvent['type']> = new Set(['intent', 'tool-call', 'llm-response', 'error']);
/** Of a model call the journal holds bounds, which say nothing to a person. */
const BOUNDS = '{"bounds":';

/** A step that asked something of a model, a tool or the index; an intent and its outcome are one. */
const stepOf = ({ type, step, name, input, error }: AgentEvent): StepBefore | null => {
  if (name === null || !STEPS.has(type)) return null;
  const said = input === null || input.startsWith(BOUNDS) ? null : input.slice(0, MAX_INPUT);
  return { step, name, input: said, error: error?.code ?? null };
};

const withStep = (before: readonly StepBefore[], next: StepBefore): readonly StepBefore[] => {
  const same = before.find(({ step }) => step === next.step);
  const others = before.filter((each) => each !== same);
  return [...others, { ...next, input: next.input ?? same?.input ?? null }].slice(-STEPS_BEFORE);
};
