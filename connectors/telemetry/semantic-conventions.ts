/**
 * Every name that a span carries: OpenTelemetry's where it has one, Freshet's own under `freshet.` where it has none. The one place
 * that changes when the conventions do. Source: @opentelemetry/semantic-conventions 1.45, which a test holds these names against; those
 * for GenAI and messaging are in development there, and two of the latter were renamed: they are said under both names, as backends
 * still read the old.
 */

/** OpenTelemetry's, attribute by attribute. */
export const CONVENTIONAL = {
  serviceName: 'service.name',
  serviceNamespace: 'service.namespace',
  serviceInstance: 'service.instance.id',
  errorType: 'error.type',
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  agentName: 'gen_ai.agent.name',
  agentVersion: 'gen_ai.agent.version',
  conversation: 'gen_ai.conversation.id',
  dataSource: 'gen_ai.data_source.id',
  requestModel: 'gen_ai.request.model',
  requestMaxTokens: 'gen_ai.request.max_tokens',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedInputTokens: 'gen_ai.usage.cache_read.input_tokens',
  toolName: 'gen_ai.tool.name',
  toolCallId: 'gen_ai.tool.call.id',
  toolType: 'gen_ai.tool.type',
  messagingSystem: 'messaging.system.name',
  messagingSystemBefore: 'messaging.system',
  messagingOperation: 'messaging.operation.name',
  messagingOperationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  destinationPartition: 'messaging.destination.partition.id',
  consumerGroup: 'messaging.consumer.group.name',
  messageId: 'messaging.message.id',
  kafkaOffset: 'kafka.offset',
  kafkaOffsetBefore: 'messaging.kafka.offset',
} as const;

/** What an agent does, as OpenTelemetry calls it. */
export const OPERATIONS = {
  invokeAgent: 'invoke_agent',
  chat: 'chat',
  executeTool: 'execute_tool',
  retrieval: 'retrieval',
} as const;

/** Freshet's own. */
export const OWN = {
  taskId: 'freshet.task.id',
  executionId: 'freshet.execution.id',
  tenant: 'freshet.tenant',
  worker: 'freshet.worker',
  /** Of the claim: over 1, another worker, or this one before a failure, held the execution before. */
  epoch: 'freshet.execution.epoch',
  outcome: 'freshet.execution.outcome',
  steps: 'freshet.execution.steps',
  step: 'freshet.step.number',
  stepKind: 'freshet.step.kind',
  /** In the model, tool or retriever; the rest of the span is journal and decision. Milliseconds. */
  outsideMs: 'freshet.step.outside_ms',
  /** US dollars, an exact decimal as text. */
  costUsd: 'freshet.cost_usd',
  /** tool, cache, or what stood in for it. */
  via: 'freshet.tool.via',
  attempts: 'freshet.tool.attempts',
  subtaskId: 'freshet.subtask.id',
  subtaskAgent: 'freshet.subtask.agent',
  stalenessMs: 'freshet.staleness_ms',
  fresh: 'freshet.fresh',
  chunks: 'freshet.chunks',
  /** Chunks that were asked for. */
  topK: 'freshet.top_k',
  source: 'freshet.source',
  table: 'freshet.table',
  documentId: 'freshet.document.id',
  documentVersion: 'freshet.document.version',
  documentKind: 'freshet.document.kind',
  changeOutcome: 'freshet.change.outcome',
  index: 'freshet.index',
} as const;

/** By the kind of a language model in the configuration, where OpenTelemetry has another word for whoever speaks that protocol. */
const PROVIDERS: Readonly<Record<string, string>> = { 'openai-compatible': 'openai' };

/** `provider`: the kind of the model; null for one that is no provider's. */
export const providerNameOf = (provider: string | null): string =>
  provider === null ? 'freshet' : (PROVIDERS[provider] ?? provider);

/** Of a record in Kafka. `offset`: NaN where the broker did not say it. */
export const recordAttributes = (
  operation: 'process' | 'send',
  {
    topic,
    partition,
    offset,
  }: { readonly topic: string; readonly partition: number; readonly offset: number },
): Readonly<Record<string, string | number>> => ({
  [CONVENTIONAL.messagingSystem]: 'kafka',
  [CONVENTIONAL.messagingSystemBefore]: 'kafka',
  [CONVENTIONAL.messagingOperation]: operation,
  [CONVENTIONAL.messagingOperationType]: operation,
  [CONVENTIONAL.destination]: topic,
  [CONVENTIONAL.destinationPartition]: String(partition),
  ...(Number.isNaN(offset)
    ? {}
    : { [CONVENTIONAL.kafkaOffset]: offset, [CONVENTIONAL.kafkaOffsetBefore]: offset }),
});
