/**
 * One tool call with its policy: a cached result, retries, other tools, an old result, a stated answer. What is tried
 * next is fallback-state's decision; calling is the caller's (timeouts, capabilities and breakers are in its `call`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import type { ToolDefinition } from '../../schemas/agent-definition.ts';
import { toError } from '../../schemas/errors.ts';
import type { CallFailure, CallOutcome } from '../runtime/step-calls.ts';
import { CHAIN_BEGUN, type ChainState, nextMove } from './fallback-state.ts';
import { type ResultCache, resultKey } from './result-cache.ts';
import { chainPolicyOf } from './tool-policy.ts';

/** Where an answer came from. */
export type Via = 'tool' | 'cache' | `fallback:${string}` | 'stale-cache' | 'stated';

export interface ChainResult {
  /** Where all failed, the failure of the tool itself. `durationMicros`: of the whole chain, its waits included. */
  readonly outcome: CallOutcome<JsonValue>;
  readonly via: Via;
  /** Calls made, of all tools. */
  readonly attempts: number;
  /** Whose they were, in order: what they cost is theirs to say. */
  readonly called: readonly string[];
  /** Of a cached result; null for a fresh one. */
  readonly ageMs: number | null;
  /** Every call that failed, in order. */
  readonly failures: readonly {
    readonly tool: string;
    readonly code: string;
    readonly message: string;
  }[];
}

export interface ToolChain {
  readonly tool: ToolDefinition;
  /** Of the agent: where fallbacks are looked for. */
  readonly tools: readonly ToolDefinition[];
  readonly input: JsonValue;
  readonly tenant: string;
  /** By name. */
  readonly agent: string;
  /** For the whole chain, milliseconds. */
  readonly limitMs: number;
  /** The worker stops: the chain ends with the failure at hand. */
  readonly signal: AbortSignal;
}

export interface ChainEffects {
  /** One call, ended within `limitMs` and by the tool's own timeout (callTool). A call that is denied is a failure too. */
  readonly call: (tool: ToolDefinition, input: JsonValue, limitMs: number) => Promise<CallOutcome<JsonValue>>;
  /** Null: every answer must be the tool's own, as where the task says how fresh its context must be. */
  readonly cache: ResultCache | null;
  /** Between 0 and 1. */
  readonly chance: () => number;
}

/** An old result is kept for a day at least, where the policy may fall back to it. */
const STALE_KEEP_MS = 24 * 60 * 60_000;

/** Failures that the same call would meet again. */
const TERMINAL: ReadonlySet<string> = new Set([
  'arguments-invalid',
  'beyond-horizon',
  'config-invalid',
  'conflict',
  'denied',
  'forbidden',
  'not-authorised',
  'not-found',
  'record-unreadable',
  'request-invalid',
  'request-too-large',
  'stale',
  'tool-cap',
  'tool-declined',
  'usage',
]);

export const mayPass = ({ code, retryable }: CallFailure): boolean => retryable || !TERMINAL.has(code);

/** Never rejects but where an effect that was handed in does. A stop (`signal`) ends it with the failure at hand. */
export const callWithPolicy = async (chain: ToolChain, effects: ChainEffects): Promise<ChainResult> => {
  const { tool, input, signal, limitMs } = chain;
  const { cache } = effects;
  const policy = chainPolicyOf(tool, chain.tools, cache !== null);
  const key = policy.freshMs !== null || policy.stale ? resultKey(chain, tool, input) : null;
  const keepMs = Math.max(policy.freshMs ?? 0, policy.stale ? STALE_KEEP_MS : 0);
  const began = performance.now();
  const sinceMs = (): number => performance.now() - began;
  const failed: FailedCall[] = [];
  const made: string[] = [];
  let state: ChainState = CHAIN_BEGUN;

  const ended = (via: Via, of: Ended): ChainResult => {
    const durationMicros = Math.round(sinceMs() * 1_000);
    const failures = failed.map(({ tool: name, failure: { code, message } }) => ({
      tool: name,
      code,
      message,
    }));
    const { ageMs = null } = of;
    const outcome =
      'failure' in of
        ? { output: null, failure: of.failure, durationMicros }
        : { output: of.output, failure: null, durationMicros };
    return { outcome, via, attempts: made.length, called: made, ageMs, failures };
  };
  const gaveUp = (): ChainResult => ended('tool', { failure: failureOf(tool, failed) });

  for (;;) {
    const move = nextMove(policy, state, limitMs - sinceMs(), effects.chance());
    switch (move.kind) {
      case 'look-for-fresh': {
        const found = key === null ? null : await cache?.find(key, move.maxAgeMs);
        if (found) return ended('cache', found);
        state = { ...state, lookedForFresh: true };
        break;
      }
      case 'call': {
        if (move.waitMs > 0) await sleep(move.waitMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted && failed.length > 0) return gaveUp();
        const called = [tool, ...chain.tools].find(({ name }) => name === move.tool) ?? tool;
        const refused = called === tool ? null : misfit(called, input);
        const { output, failure } = refused ?? (await effects.call(called, input, limitMs - sinceMs()));
        if (refused === null && failure?.made !== false) made.push(called.name);
        if (failure === null) {
          if (called === tool && key !== null) cache?.keep(key, output, keepMs);
          return ended(called === tool ? 'tool' : `fallback:${called.name}`, { output });
        }
        failed.push({ tool: called.name, failure });
        if (signal.aborted) return gaveUp();
        const { retryAfterMs } = failure;
        const entry = { tool: called.name, retryable: mayPass(failure), retryAfterMs };
        state = { ...state, failures: [...state.failures, entry] };
        break;
      }
      case 'look-for-stale': {
        const found = key === null ? null : await cache?.find(key, Number.POSITIVE_INFINITY);
        if (found) return ended('stale-cache', found);
        state = { ...state, lookedForStale: true };
        break;
      }
      case 'state':
        return ended('stated', { output: move.answer });
      case 'give-up':
        return gaveUp();
      default:
        return move satisfies never;
    }
  }
};

/** Other tools that were called, each once, whether they answered or not; null where none was. */
export const standInsOf = (
  { called }: Pick<ChainResult, 'called'>,
  tool: string,
): readonly string[] | null => {
  const others = called.filter((name) => name !== tool);
  return others.length === 0 ? null : [...new Set(others)];
};

/** What a model is told beside an answer that is not the tool's own of now; null where there is nothing to tell. */
export const noteOf = ({ via, ageMs, failures }: ChainResult): string | null => {
  const why = failures.at(0)?.message ?? 'it failed';
  const age = `${Math.round((ageMs ?? 0) / 1_000)} s`;
  switch (via) {
    case 'tool':
      return null;
    case 'cache':
      return `An answer to the same arguments from ${age} ago.`;
    case 'stale-cache':
      return `The tool failed (${why}). This is its answer from ${age} ago; it may be out of date.`;
    case 'stated':
      return `The tool failed (${why}). This stands in for its answer.`;
    default:
      return `The tool failed (${why}). This is the answer of ${via.slice('fallback:'.length)}.`;
  }
};

interface FailedCall {
  readonly tool: string;
  readonly failure: CallFailure;
}

type Ended =
  | { readonly output: JsonValue; readonly ageMs?: number }
  | { readonly failure: CallFailure; readonly ageMs?: never };

/** The tool's own last failure, or the last after which nobody knows whether it took effect: that stays true whatever came after it. */
const failureOf = (tool: ToolDefinition, failed: readonly FailedCall[]): CallFailure => {
  const own = failed.filter((each) => each.tool === tool.name);
  const told = own.findLast(({ failure }) => failure.uncertain) ?? own.at(-1);
  if (told) return told.failure;
  return {
    code: 'timeout',
    message: 'no time was left for it',
    retryable: false,
    retryAfterMs: null,
    uncertain: false,
  };
};

/** Arguments were made for one tool, and are held against the schema of the other. Null: they fit. */
const misfit = (
  tool: ToolDefinition,
  input: JsonValue,
): { readonly output: null; readonly failure: CallFailure } | null => {
  let message: string;
  try {
    const parsed = tool.arguments.safeParse(input);
    if (parsed.success) return null;
    message = parsed.error.issues[0]?.message ?? 'they do not fit';
  } catch (thrown) {
    ({ message } = toError(thrown));
  }
  const failure = {
    code: 'arguments-invalid',
    message,
    retryable: false,
    retryAfterMs: null,
    uncertain: false,
  };
  return { output: null, failure };
};
