/**
 * How each agent does: one fold over the events that count, with histograms of fixed relative error, so that it stays as
 * small after a million executions as after ten. Pure but for being kept in place; every figure follows from the
 * journal and from freshet.feedback, and comes out the same when they are read again.
 */

import { LRUCache } from 'lru-cache';
import {
  createLatencyHistogram,
  type LatencyHistogram,
} from '../../pipelines/track-freshness/latency-histogram.ts';
import { type EndCode, RETRIEVE } from '../../schemas/execution-payloads.ts';
import { formatUsd, type Picodollars, parseUsd } from '../../schemas/money.ts';
import type { AgentEvent, Feedback } from '../../schemas/records.ts';
import type { ExecutionEntry } from './execution-entry.ts';

export interface AgentMetrics {
  /** Of the first event, microseconds since the Unix epoch; 0: none yet. */
  readonly since: number;
  readonly requests: number;
  /** Over the last hour of events, or as long as there are any. */
  readonly requestsPerMinute: number;
  readonly completed: number;
  readonly failed: number;
  readonly halted: number;
  /** Shares (0 to 1) of what ended; null where nothing did. Halted ones are errors too. */
  readonly successRate: number | null;
  readonly errorRate: number | null;
  /** Halted for going in circles or for taking too many steps, of what ended. */
  readonly loopRate: number | null;
  /** Task made to result, of all that ended and whose beginning is known. */
  readonly latencyMs: {
    readonly p50: number | null;
    readonly p95: number | null;
    readonly p99: number | null;
  };
  /** The same of those that completed, the mean. */
  readonly meanResolutionMs: number | null;
  readonly tokensPerRequest: number | null;
  /** Calls of models, tools and the index. */
  readonly apiCallsPerRequest: number | null;
  /** Exact decimal, rounded down to a picodollar; of what ended. */
  readonly meanCostUsd: string | null;
  /** Of tool calls, those that did not end in an error. */
  readonly toolSuccessRate: number | null;
  /** Mean of what people gave, 0 to 1. */
  readonly feedbackScore: number | null;
  readonly feedbackCount: number;
  /** How the last ones ended, the newest last. */
  readonly lately: readonly ('completed' | 'failed' | 'halted')[];
}

export interface AgentTallies {
  /** An event that counts, with the entry after it; returns the calls of an execution that ended with it. */
  event(event: AgentEvent, entry: ExecutionEntry): { readonly calls: number } | null;
  feedback(feedback: Feedback): void;
  of(agent: string): AgentMetrics;
  clear(): void;
}

interface Tally {
  since: number;
  requests: number;
  readonly minutes: Map<number, number>;
  readonly ended: { completed: number; failed: number; halted: number };
  loops: number;
  readonly latency: LatencyHistogram;
  /** Those that completed and whose beginning is known, and how long they took together. */
  resolved: number;
  resolutionMicros: number;
  tokens: number;
  calls: number;
  readonly tools: { done: number; failed: number };
  usd: Picodollars;
  scores: number;
  scoreSum: number;
  lately: AgentMetrics['lately'][number][];
}

const MAX_AGENTS = 200;
const MAX_OPEN = 10_000;
const MAX_SCORES = 50_000;
const LATELY = 20;
const WINDOW_MINUTES = 60;
const MINUTE_MICROS = 60_000_000;
/** Ends that say that an execution did not come forward. */
export const LOOP_CODES: ReadonlySet<string> = new Set<EndCode>([
  'loop',
  'thrashing',
  'no-progress',
  'tool-cap',
  'step-cap',
]);

const newTally = (): Tally => ({
  since: 0,
  requests: 0,
  minutes: new Map(),
  ended: { completed: 0, failed: 0, halted: 0 },
  loops: 0,
  latency: createLatencyHistogram(2),
  resolved: 0,
  resolutionMicros: 0,
  tokens: 0,
  calls: 0,
  tools: { done: 0, failed: 0 },
  usd: 0n,
  scores: 0,
  scoreSum: 0,
  lately: [],
});

/** A call that was refused, or that nobody approved, was none. */
const wasCalled = ({ name, idempotencyKey, costUsd, reservedUsd }: AgentEvent): boolean =>
  name === RETRIEVE || idempotencyKey !== null || costUsd !== null || reservedUsd !== null;

const share = (of: number, all: number): number | null => (all === 0 ? null : of / all);
const rounded = (value: number | null): number | null => (value === null ? null : Number(value.toFixed(4)));

export const createAgentTallies = (): AgentTallies => {
  const tallies = new LRUCache<string, Tally>({ max: MAX_AGENTS });
  /** Calls so far, by execution. */
  const open = new LRUCache<string, number>({ max: MAX_OPEN });
  const scores = new LRUCache<string, { readonly agent: string; readonly score: number }>({
    max: MAX_SCORES,
  });

  const tallyOf = (agent: string): Tally => {
    const known = tallies.get(agent) ?? newTally();
    tallies.set(agent, known);
    return known;
  };

  const called = (tally: Tally, executionId: string): void => {
    tally.calls += 1;
    open.set(executionId, (open.get(executionId) ?? 0) + 1);
  };

  const begun = (tally: Tally, at: number): void => {
    tally.requests += 1;
    if (tally.since === 0 || at < tally.since) tally.since = at;
    const minute = Math.floor(at / MINUTE_MICROS);
    tally.minutes.set(minute, (tally.minutes.get(minute) ?? 0) + 1);
    const [oldest] =
      tally.minutes.size > WINDOW_MINUTES ? [...tally.minutes.keys()].sort((a, b) => a - b) : [];
    if (oldest !== undefined) tally.minutes.delete(oldest);
  };

  const ended = (tally: Tally, event: AgentEvent, entry: ExecutionEntry): void => {
    const outcome = entry.result?.outcome ?? 'failed';
    tally.ended[outcome] += 1;
    tally.lately = [...tally.lately, outcome].slice(-LATELY);
    if (outcome === 'halted' && LOOP_CODES.has(entry.result?.error?.code ?? '')) tally.loops += 1;
    const begins = entry.createdAt || entry.startedAt;
    if (begins > 0) {
      const micros = Math.max(0, event.at - begins);
      tally.latency.record(micros);
      if (outcome === 'completed') {
        tally.resolved += 1;
        tally.resolutionMicros += micros;
      }
    }
    tally.usd += parseUsd(entry.costUsd);
  };

  return {
    event: (event, entry) => {
      const { executionId, at } = event;
      const tally = tallyOf(event.agent);
      switch (event.type) {
        case 'claim':
          if (event.epoch === 1) begun(tally, at);
          return null;
        case 'llm-response':
          called(tally, executionId);
          tally.tokens += (event.usage?.inputTokens ?? 0) + (event.usage?.outputTokens ?? 0);
          return null;
        case 'tool-call':
          called(tally, executionId);
          if (event.name !== RETRIEVE) tally.tools[event.error ? 'failed' : 'done'] += 1;
          return null;
        case 'error':
          if (wasCalled(event)) called(tally, executionId);
          if (event.idempotencyKey !== null) tally.tools.failed += 1;
          return null;
        case 'response': {
          const calls = open.get(executionId) ?? 0;
          open.delete(executionId);
          ended(tally, event, entry);
          return { calls };
        }
        case 'user-input':
        case 'request':
        case 'intent':
        case 'memory-update':
        case 'checkpoint':
          return null;
        default:
          return event.type satisfies never;
      }
    },
    feedback: ({ taskId, by, agent, score }) => {
      const key = JSON.stringify([taskId, by]);
      const before = scores.get(key);
      const tally = tallyOf(agent);
      if (before) {
        tallyOf(before.agent).scores -= 1;
        tallyOf(before.agent).scoreSum -= before.score;
      }
      tally.scores += 1;
      tally.scoreSum += score;
      scores.set(key, { agent, score });
    },
    of: (agent) => metricsOf(tallies.peek(agent) ?? newTally()),
    clear: () => {
      for (const kept of [tallies, open, scores]) kept.clear();
    },
  };
};

const metricsOf = (tally: Tally): AgentMetrics => {
  const { ended, latency, tools } = tally;
  const all = ended.completed + ended.failed + ended.halted;
  const ms = (micros: number | null): number | null => (micros === null ? null : micros / 1_000);
  const minutes = [...tally.minutes.keys()];
  const span = minutes.length === 0 ? 1 : Math.max(...minutes) - Math.min(...minutes) + 1;
  const counted = [...tally.minutes.values()].reduce((sum, count) => sum + count, 0);
  return {
    since: tally.since,
    requests: tally.requests,
    requestsPerMinute: Number((counted / span).toFixed(3)),
    ...ended,
    successRate: rounded(share(ended.completed, all)),
    errorRate: rounded(share(ended.failed + ended.halted, all)),
    loopRate: rounded(share(tally.loops, all)),
    latencyMs: {
      p50: ms(latency.quantile(0.5)),
      p95: ms(latency.quantile(0.95)),
      p99: ms(latency.quantile(0.99)),
    },
    meanResolutionMs: tally.resolved === 0 ? null : tally.resolutionMicros / tally.resolved / 1_000,
    tokensPerRequest: rounded(share(tally.tokens, tally.requests)),
    apiCallsPerRequest: rounded(share(tally.calls, tally.requests)),
    meanCostUsd: all === 0 ? null : formatUsd(tally.usd / BigInt(all)),
    toolSuccessRate: rounded(share(tools.done, tools.done + tools.failed)),
    feedbackScore: rounded(share(tally.scoreSum, tally.scores)),
    feedbackCount: tally.scores,
    lately: tally.lately,
  };
};
