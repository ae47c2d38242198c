/**
 * The metrics of tasks, steps, money and freshness, derived from the same records as the page: only from those that
 * came after this gateway started, and with labels from closed sets, as anyone who reaches Kafka could write others.
 */

import { MEMORY_FEATURE } from '../../agents/memory/summary-costs.ts';
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import { EMBEDDING_SPENDER } from '../../pipelines/record-embedding-costs.ts';
import { latencyOf } from '../../pipelines/track-freshness/change-latency.ts';
import { probeLatency } from '../../pipelines/track-freshness/probe-window.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { AGENT_SOURCES } from '../../schemas/agent-sources.ts';
import { RETRIEVE } from '../../schemas/execution-payloads.ts';
import { isUsd, parseUsd } from '../../schemas/money.ts';
import { isProbeTable } from '../../schemas/probe.ts';
import type { AgentEvent, Cost, Timing, WatermarkPoint } from '../../schemas/records.ts';
import type { ExecutionEntry } from './execution-entry.ts';
import { checkOf } from './halt-list.ts';

export interface LiveMetrics {
  timing(timing: Timing): void;
  /** What a tracker published: its probe counts once. */
  point(point: WatermarkPoint): void;
  /** An event that counts, with the entry after it, and the calls that its execution made, where it ended. */
  event(event: AgentEvent, entry: ExecutionEntry, calls: number): void;
  /** The mean after a new one. */
  feedback(agent: string, score: number | null): void;
  /** `before`: what was known under the same id. */
  cost(cost: Cost, before: Cost | undefined): void;
}

const MAX_NAMES = 50;
const PICODOLLARS = 1e12;

/** Passes the first names on as they are, later ones as `other`, so that a label's values stay bounded. */
const bounded = (first: Iterable<string> = []): ((name: string | null) => string) => {
  const names = new Set(first);
  return (name) => {
    if (name === null || name === '') return 'none';
    if (names.size < MAX_NAMES) names.add(name);
    return names.has(name) ? name : 'other';
  };
};

/** Written before a request to an embedding model, or for a summary; what it came to takes its place. */
const isReservation = (cost: Cost): boolean =>
  (cost.agent === EMBEDDING_SPENDER || cost.feature === MEMORY_FEATURE) && !cost.settled;

export const createLiveMetrics = (
  metrics: Metrics,
  agents: readonly AgentDefinition[],
  sources: readonly string[],
): LiveMetrics => {
  const known = new Set([...agents.map((agent) => agent.name), EMBEDDING_SPENDER]);
  const tools = new Set(agents.flatMap((agent) => agent.tools ?? []).map((tool) => tool.name));
  const agentOf = (name: string): string => (known.has(name) ? name : 'unknown');
  const toolOf = (name: string | null): string =>
    name !== null && (tools.has(name) || name === RETRIEVE) ? name : 'unknown';
  const modelOf = bounded();
  const featureOf = bounded();
  const sourceNames = new Set(sources);
  const lastProbe = new Map<string, number>();
  // From zero on: what a series begins with is no increase to Prometheus, and the first misses would count for nothing.
  for (const source of sources)
    for (const outcome of ['found', 'missed']) metrics.probes.inc({ source, outcome }, 0);
  const seconds = (from: number, to: number): number => Math.max(0, to - from) / 1e6;

  return {
    timing: (timing) => {
      if (isProbeTable(timing.table) || AGENT_SOURCES.has(timing.source)) return;
      const latency = latencyOf(timing);
      if (latency.kind !== 'commit') return;
      const source = sourceNames.has(timing.source) ? timing.source : 'unknown';
      metrics.freshnessSeconds.observe({ source }, latency.totalMicros / 1e6);
    },
    point: ({ source, probe }) => {
      if (!probe || !sourceNames.has(source) || probe.committedAt <= (lastProbe.get(source) ?? 0)) return;
      lastProbe.set(source, probe.committedAt);
      const latency = probeLatency(probe);
      metrics.probes.inc({ source, outcome: latency === null ? 'missed' : 'found' });
      if (latency !== null) metrics.probeSeconds.observe({ source }, latency / 1e6);
    },
    event: (event, entry, calls) => {
      const agent = agentOf(event.agent);
      const stepTook = event.durationMicros / 1e6;
      switch (event.type) {
        case 'claim':
          if (event.epoch === 1) metrics.requests.inc({ agent });
          return;
        case 'llm-response':
          metrics.stepSeconds.observe({ agent, kind: 'model' }, stepTook);
          return;
        case 'tool-call': {
          const kind = event.name === RETRIEVE ? 'retrieve' : 'tool';
          metrics.stepSeconds.observe({ agent, kind }, stepTook);
          if (kind === 'tool')
            metrics.toolCalls.inc({ tool: toolOf(event.name), outcome: event.error ? 'failed' : 'done' });
          return;
        }
        case 'error':
          if (event.name !== null && tools.has(event.name))
            metrics.toolCalls.inc({ tool: event.name, outcome: 'failed' });
          return;
        case 'response': {
          const outcome = entry.result?.outcome ?? 'failed';
          metrics.tasks.inc({ agent, outcome });
          const begins = entry.createdAt || entry.startedAt;
          // Of one that was read from its middle on, neither when it began nor all of its calls are known.
          if (begins > 0) {
            const took = seconds(begins, event.at);
            metrics.taskSeconds.observe({ agent }, took);
            if (outcome === 'completed') metrics.resolutionSeconds.observe({ agent }, took);
          }
          if (!entry.incomplete) metrics.apiCallsPerTask.observe({ agent }, calls);
          if (outcome === 'halted') {
            // The journal can be written by anyone who reaches Kafka: each other code would be a series of its own.
            const { code = '' } = entry.result?.error ?? {};
            metrics.loopHalts.inc({ agent, reason: checkOf(code) ? code : 'unknown' });
          }
          return;
        }
        case 'user-input':
        case 'request':
        case 'intent':
        case 'memory-update':
        case 'checkpoint':
          return;
        default:
          event.type satisfies never;
      }
    },
    feedback: (agent, score) => {
      if (known.has(agent) && score !== null) metrics.feedbackScore.set({ agent }, score);
    },
    cost: (cost, held) => {
      // What is reserved for a request under way is no spending yet; a counter could not take it back.
      if (!isUsd(cost.usd) || isReservation(cost)) return;
      const before = held && !isReservation(held) ? held : undefined;
      const agent = agentOf(cost.agent);
      const more = parseUsd(cost.usd) - (before ? parseUsd(before.usd) : 0n);
      const labels = {
        agent,
        feature: featureOf(cost.feature),
        tool: cost.tool ? toolOf(cost.tool) : 'none',
      };
      if (more > 0n) metrics.costUsd.inc(labels, Number(more) / PICODOLLARS);
      const model = modelOf(cost.model);
      const count = (direction: string, now: number, then: number): void => {
        if (now > then) metrics.tokens.inc({ agent, model, direction }, now - then);
      };
      count('input', cost.inputTokens, before?.inputTokens ?? 0);
      count('cached', cost.cachedInputTokens, before?.cachedInputTokens ?? 0);
      count('output', cost.outputTokens, before?.outputTokens ?? 0);
    },
  };
};
