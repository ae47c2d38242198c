/**
 * Sees one task through: runs its execution, and again under a new claim after whatever stopped it, until its terminal
 * event stands in the journal. Nothing may escape from here before the record is released.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import type { DeadLetterReason } from '../../schemas/dead-letters.ts';
import { toFreshetError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { DecisionFacts } from './decide.ts';
import type { RunServices } from './execution-run.ts';
import type { OwnedPartition } from './owned-partition.ts';
import { identityOf, inputOf, type QueuedTask } from './queued-task.ts';
import { runExecution } from './run-execution.ts';
import type { PoolPlace } from './worker-pool.ts';

export interface TaskServices extends Omit<RunServices, 'journal'> {
  /** What a task is run with; null for an agent that is not configured. */
  readonly behaviourOf: (item: QueuedTask, owned: OwnedPartition) => AgentDefinition | null;
  /** Silence of another's claim on a partition that is ours, after which it is taken over. */
  readonly takeoverMs: number;
  readonly deadLetter: (item: QueuedTask, reason: DeadLetterReason, message: string) => Promise<void>;
  readonly log: (level: 'warn' | 'error', message: string, details?: unknown) => void;
}

/** Kafka or the registry was away: it is taken up again from the log, however often. */
const PASSING: ReadonlySet<string> = new Set([
  'append-failed',
  'too-many-requests',
  'kafka-unavailable',
  'registry-unavailable',
]);
const BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 5_000;
const WATCH_MS = 250;
/** From so many on, what was reached may be what the end cannot be journaled with. */
const BARE_ERRORS = 2;
const MAX_ERRORS = 3;

/**
 * Resolves with true when the task is finished for good, with false when it was let go: stopped, or its partition went.
 */
export const runTask = async (
  item: QueuedTask,
  owned: OwnedPartition,
  place: PoolPlace,
  services: TaskServices,
): Promise<boolean> => {
  const { read, record } = item;
  const { executionId } = read;
  const { journal, signal } = owned;
  let agent = services.behaviourOf(item, owned);
  let refusal: DecisionFacts['refusal'] = read.refusal;
  let tried = 0;
  let errors = 0;
  let failures = 0;
  let letter = letterOf(agent, read);
  const onPoison = (message: string): Promise<void> => services.deadLetter(item, 'poison', message);
  while (!signal.aborted) {
    try {
      if (letter) {
        // Before the result, so that a task that failed for it is always found among the dead letters too.
        await services.deadLetter(item, letter.reason, letter.message);
        letter = null;
      }
      if (journal.fold.isEnded(executionId)) return true;
      tried = Math.max(tried, journal.fold.execution(executionId)?.order.epoch ?? 0) + 1;
      // Another may have begun it meanwhile, and it goes on under what it was begun under.
      agent = services.behaviourOf(item, owned);
      const identity = identityOf(read, owned.worker, agent);
      const position = { topic: TOPICS.tasks.name, partition: record.partition, offset: record.offset };
      await runExecution(
        {
          identity,
          input: inputOf(read, agent),
          task: position,
          agent,
          refusal,
          endsBare: errors >= BARE_ERRORS,
          epoch: tried,
          trace: item.trace,
          signal,
          place,
          waits: owned.waitsOf(item),
          onPoison,
        },
        { ...services, journal },
      );
      return true;
    } catch (thrown) {
      if (signal.aborted) break;
      const error = toFreshetError(thrown);
      const left = (reason: 'superseded' | 'append-failed' | 'error'): void =>
        services.onEvent({ name: 'execution-left', agent: agent?.name ?? 'unknown', reason });
      if (error.code === 'conflict') {
        left('superseded');
        await untilEndedOrSilent(executionId, owned, signal, services.takeoverMs);
      } else if (PASSING.has(error.code)) {
        left('append-failed');
        services.log('warn', `${executionId}: ${error.message}; it goes on from the log's end`);
        failures += 1;
        await pause(Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** failures), signal);
        // What was sent may stand in the log after all: nothing is decided before that is known (rule P).
        await journal.readToEnd().catch(() => undefined);
      } else {
        left('error');
        services.log('error', `${executionId} cannot go on: ${error.message}`, error);
        errors += 1;
        refusal = {
          code: error.code === 'request-too-large' ? 'too-large' : 'internal',
          message: error.message.slice(0, 500),
        };
        if (errors >= MAX_ERRORS) letter = { reason: 'internal', message: error.message };
        if (errors > MAX_ERRORS) return true;
        await pause(BACKOFF_MS, signal);
      }
    }
  }
  services.onEvent({ name: 'execution-left', agent: agent?.name ?? 'unknown', reason: 'stopped' });
  return false;
};

const letterOf = (
  agent: AgentDefinition | null,
  read: QueuedTask['read'],
): { readonly reason: DeadLetterReason; readonly message: string } | null => {
  if (!agent) return { reason: 'unknown-agent', message: 'no agent of that name is configured' };
  return read.refusal?.code === 'too-large' ? { reason: 'too-large', message: read.refusal.message } : null;
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);

/** Another claimed it: it may be the owner, or one that is not told yet. It is left alone as long as it writes. */
const untilEndedOrSilent = async (
  executionId: string,
  { journal }: OwnedPartition,
  signal: AbortSignal,
  takeoverMs: number,
): Promise<void> => {
  const unwatch = journal.watch();
  try {
    let seen = -1;
    let since = performance.now();
    while (!signal.aborted && !journal.fold.isEnded(executionId)) {
      const count = journal.fold.execution(executionId)?.events.length ?? 0;
      if (count !== seen) {
        seen = count;
        since = performance.now();
      } else if (performance.now() - since >= takeoverMs) return;
      await pause(WATCH_MS, signal);
    }
  } finally {
    unwatch();
  }
};
