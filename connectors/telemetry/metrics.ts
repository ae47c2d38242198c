/** The names that monitors hold on to (INTERFACES, "Names that monitors use"), defined once; the one file that names the Prometheus client. */
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface MetricsRegistry {
  /** Prometheus text of this process and of others whose JSON is handed over. */
  text(others?: readonly unknown[]): Promise<string>;
  json(): Promise<unknown>;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const CALLS = [0, 1, 2, 3, 5, 8, 13, 21, 50];

export const createMetrics = (role: string) => {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers });
  const histogram = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Histogram({ name, help, labelNames: [...labelNames], buckets: SECONDS, registers });

  new Gauge({
    name: 'freshet_process_memory_bytes',
    help: 'Resident memory of a role.',
    labelNames: ['role'],
    registers,
    collect() {
      this.set({ role }, process.memoryUsage.rss());
    },
  });

  const metrics = {
    records: counter('freshet_records_total', 'Records by stage and outcome.', ['stage', 'outcome']),
    gateRefusals: counter('freshet_gate_refusals_total', 'Documents refused, by gate.', ['gate']),
    gateVerdicts: counter(
      'freshet_gate_verdicts_total',
      'What each gate decided; gate unchanged: documents for which nothing was embedded.',
      ['gate', 'outcome'],
    ),
    deadLetters: counter('freshet_dead_letters_total', 'Records that could not be processed.', [
      'topic',
      'reason',
    ]),
    consumerLag: gauge('freshet_consumer_lag_records', 'Records read and not yet done.', ['stage']),
    consumerLagSeconds: new Gauge({
      name: 'freshet_consumer_lag_seconds',
      help: 'Age of the oldest record that waits for its turn; 0 where none does.',
      labelNames: ['stage'],
      // Of several copies the one that is furthest behind.
      aggregator: 'max',
      registers,
    }),
    budgetRemaining: gauge(
      'freshet_budget_remaining_usd',
      'Money of this UTC day that an agent has left; absent where it has no limit, or what was spent is being counted.',
      ['agent'],
    ),
    budgetLimit: gauge(
      'freshet_budget_limit_usd',
      'Money of a UTC day that an agent may spend; absent where it has no limit.',
      ['agent'],
    ),
    retries: counter('freshet_retries_total', 'Batches tried again.', ['stage']),
    sourceState: gauge(
      'freshet_source_state',
      'One for the state that a source is in, zero for the others.',
      ['source', 'state'],
    ),
    retainedWal: gauge('freshet_source_retained_wal_bytes', 'Log that a source keeps until it is read.', [
      'source',
    ]),
    divergentDocuments: gauge(
      'freshet_index_divergent_documents',
      'Documents that differ from their source, as the last comparison in the background found them.',
      ['source', 'table', 'divergence'],
    ),
    comparedRows: gauge(
      'freshet_index_compared_rows',
      'Rows that the last comparison in the background could hold against the index.',
      ['source', 'table'],
    ),
    unsettledDocuments: gauge(
      'freshet_index_unsettled_documents',
      'Documents that differed in the last comparison in the background and could not be told from changes in flight.',
      ['source', 'table'],
    ),
    comparedTimestamp: gauge(
      'freshet_index_compared_timestamp_seconds',
      'When the last comparison in the background was done with a table, by replica of the index.',
      ['source', 'table', 'index'],
    ),
    searchSeconds: histogram('freshet_search_seconds', 'Time of a search in the index role.'),
    freshnessSeconds: histogram('freshet_freshness_seconds', 'Commit in the source to searchable.', [
      'source',
    ]),
    sloErrorBudget: gauge(
      'freshet_slo_error_budget_remaining_ratio',
      'Share of the freshness error budget that is left, over what is kept of three days; absent while nothing was committed.',
      ['source'],
    ),
    watermarkTimestamp: gauge(
      'freshet_watermark_timestamp_seconds',
      "Commit time, by the source's clock, up to which everything is covered; absent while unknown.",
      ['source'],
    ),
    staleness: gauge(
      'freshet_staleness_seconds',
      'How long ago everything committed was covered; absent while unknown.',
      ['source'],
    ),
    watermarkKnown: gauge('freshet_watermark_known', '1: the watermark is known, 0: unknown.', ['source']),
    clockOffset: gauge('freshet_source_clock_offset_seconds', "The source's clock less ours, estimated.", [
      'source',
    ]),
    burnRate: gauge(
      'freshet_slo_burn_rate',
      'How many times faster than the objective allows the error budget is spent.',
      ['source', 'span'],
    ),
    alertsFiring: gauge('freshet_alerts_firing', 'Alerts about sources and agents that fire now.', [
      'source',
      'kind',
      'severity',
    ]),
    probes: counter('freshet_probes_total', 'Probe rows looked for in the index as a user would.', [
      'source',
      'outcome',
    ]),
    probeSeconds: histogram('freshet_probe_seconds', 'Commit of a probe row to found by search.', ['source']),
    tasks: counter('freshet_tasks_total', 'Tasks that ended, by outcome.', ['agent', 'outcome']),
    taskSeconds: histogram('freshet_task_seconds', 'Task created to its result.', ['agent']),
    stepSeconds: histogram('freshet_step_seconds', 'Time of a step, by kind.', ['agent', 'kind']),
    stepOverheadSeconds: histogram(
      'freshet_step_overhead_seconds',
      'Runtime overhead of a journaled step, without model and tool time.',
    ),
    behaviourShare: gauge(
      'freshet_behaviour_share_ratio',
      'Of new tasks, those that a version of an agent gets; what was promoted or rolled back included. Role candidate: the version that is tried.',
      ['agent', 'version', 'role'],
    ),
    loopHalts: counter('freshet_loop_halts_total', 'Executions halted by the controller.', [
      'agent',
      'reason',
    ]),
    tokens: counter('freshet_tokens_total', 'Tokens by direction.', ['agent', 'model', 'direction']),
    costUsd: counter('freshet_cost_usd_total', 'Money spent.', ['agent', 'feature', 'tool']),
    toolCalls: counter('freshet_tool_calls_total', 'Tool calls by outcome.', ['tool', 'outcome']),
    breakerState: new Gauge({
      name: 'freshet_breaker_state',
      help: 'Of an outside service: 0 closed, 1 half open, 2 open. Of models and tools, as workers share it: absent while it is not known.',
      labelNames: ['tool'],
      // Each process has its own view of it: two that see it open are not worse than one.
      aggregator: 'max',
      registers,
    }),
    resolutionSeconds: histogram(
      'freshet_resolution_seconds',
      'Task created to its answer, of those that completed.',
      ['agent'],
    ),
    apiCallsPerTask: new Histogram({
      name: 'freshet_api_calls_per_task',
      help: 'Calls of models, tools and the index in one task.',
      labelNames: ['agent'],
      buckets: CALLS,
      registers,
    }),
    feedbackScore: gauge('freshet_feedback_score', 'Mean of what people gave, 0 to 1.', ['agent']),
    requests: counter('freshet_requests_total', 'Tasks taken on.', ['agent']),
    spans: counter('freshet_spans_total', 'Spans of traces, by what became of them: exported or dropped.', [
      'outcome',
    ]),
  };
  return {
    ...metrics,
    registry: {
      json: () => registry.getMetricsAsJSON(),
      text: async (others = []) =>
        AggregatorRegistry.aggregate([await registry.getMetricsAsJSON(), ...others] as object[] as Parameters<
          typeof AggregatorRegistry.aggregate
        >[0]).metrics(),
    } satisfies MetricsRegistry,
  };
};

export type Metrics = ReturnType<typeof createMetrics>;
