/** Histories of executions that wait, are journaled whole, taken over and ended, by workers that at times are believed dead. */
import fc from 'fast-check';
import { type ExecutionState, INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import {
  createJournalFold,
  type JournaledExecution,
  type JournalFold,
} from '../../../agents/runtime/journal-fold.ts';
import { snapshotDraftOf, snapshotStateOf } from '../../../agents/runtime/snapshot.ts';
import { APPROVAL_ASKED } from '../../../schemas/approval-request.ts';
import { DELEGATED } from '../../../schemas/execution-costs.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { eventOf } from '../../support/event-of.ts';

export const EXECUTIONS = ['execution-1', 'execution-2'] as const;
const WORKERS = ['worker-a', 'worker-b'] as const;

const taskOf = (executionId: string) => ({
  topic: 'freshet.tasks',
  partition: 0,
  offset: (EXECUTIONS as readonly string[]).indexOf(executionId),
});

export const recordOf = (executionId: string) => ({
  ...taskOf(executionId),
  timestamp: 1_700_000_000_000,
  key: null,
  value: Buffer.from(`the task of ${executionId}`),
  headers: { traceparent: Buffer.from('00-1-2-01') },
});

const CALLS = [{ id: 'call-1', name: 'change', arguments: { what: 'it', __proto__x: 1 } }];

/** What happens to an execution, of every kind that the fold knows. */
const HAPPENINGS: readonly (Partial<AgentEvent> & Pick<AgentEvent, 'type'>)[] = [
  { type: 'request', input: JSON.stringify({ limits: { maxMs: 1 }, models: [] }) },
  { type: 'intent', name: 'model', reservedUsd: '0.02', priceTable: 'prices' },
  {
    type: 'llm-response',
    name: 'model',
    output: JSON.stringify({ text: 'I ask.', toolCalls: [...CALLS, ...CALLS], finishReason: 'tool-calls' }),
    usage: { inputTokens: 7, outputTokens: 3, cachedInputTokens: 0 },
    costUsd: '0.01',
  },
  { type: 'llm-response', name: 'model', output: JSON.stringify({ text: 'Done.' }), costUsd: '0.005' },
  { type: 'tool-call', name: 'look', output: '{"seen":[1,null,"x"]}' },
  { type: 'intent', name: 'ask', reservedUsd: '0.3', priceTable: DELEGATED, idempotencyKey: 'sub-1' },
  { type: 'tool-call', name: 'ask', costUsd: '0.2', priceTable: DELEGATED, idempotencyKey: 'sub-1' },
  { type: 'error', name: 'model', error: { code: 'timeout', message: 'late', retryable: true } },
  { type: 'memory-update', name: 'recall', output: '{"turns":[]}' },
  {
    type: 'checkpoint',
    name: APPROVAL_ASKED,
    input: '{"what":"it"}',
    output: JSON.stringify({ tool: 'change', argumentsHash: 'a', until: 9 }),
  },
  { type: 'checkpoint', name: 'approval-given', output: '{}' },
  { type: 'checkpoint', name: 'stop', error: { code: 'cancelled', message: 'by ada', retryable: false } },
  { type: 'checkpoint', name: 'released' },
];

type Act =
  /** A worker reads so much further: one that reads nothing for long is a zombie. */
  | { readonly kind: 'read'; readonly worker: number; readonly records: number }
  | { readonly kind: 'claim'; readonly worker: number; readonly execution: number }
  | {
      readonly kind: 'happen';
      readonly worker: number;
      readonly execution: number;
      readonly what: number;
    }
  | { readonly kind: 'tell'; readonly execution: number }
  | { readonly kind: 'end'; readonly worker: number; readonly execution: number }
  | { readonly kind: 'snapshot'; readonly worker: number; readonly execution: number };

const WHO = fc.record({ worker: fc.nat(WORKERS.length - 1), execution: fc.nat(EXECUTIONS.length - 1) });
export const ACTS: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('read' as const),
        worker: fc.nat(WORKERS.length - 1),
        records: fc.constantFrom(1, 2, 5, 1_000),
      }),
    },
    { weight: 2, arbitrary: WHO.map((who) => ({ kind: 'claim' as const, ...who })) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(WHO, fc.nat(HAPPENINGS.length - 1))
        .map(([who, what]) => ({ kind: 'happen' as const, ...who, what })),
    },
    {
      weight: 1,
      arbitrary: fc.nat(EXECUTIONS.length - 1).map((execution) => ({ kind: 'tell' as const, execution })),
    },
    { weight: 1, arbitrary: WHO.map((who) => ({ kind: 'end' as const, ...who })) },
    { weight: 5, arbitrary: WHO.map((who) => ({ kind: 'snapshot' as const, ...who })) },
  ),
  { minLength: 20, maxLength: 160 },
);

/**
 * The log that workers leave who know of it only what they have read: each writes under its own claim for as long as it does
 * not know of a higher one, as the runtime does, and does not know what came of its last words.
 */
export const logOf = (acts: readonly Act[]): readonly AgentEvent[] => {
  const log: AgentEvent[] = [];
  const folds = WORKERS.map(() => createJournalFold(0, () => undefined));
  const sequences = new Map<string, number>();
  const readTo = (fold: JournalFold, end: number): void => {
    for (let at = fold.position(); at < Math.min(end, log.length); at += 1) fold.offer(at, log[at] ?? null);
  };
  for (const act of acts) {
    if (act.kind === 'read') {
      const fold = folds[act.worker];
      if (fold) readTo(fold, fold.position() + act.records);
      continue;
    }
    const executionId = EXECUTIONS[act.execution] ?? '';
    const task = taskOf(executionId);
    if (act.kind === 'tell') {
      const told = { name: 'subtask-ended', epoch: 0, idempotencyKey: 'sub-1', output: '"done"' } as const;
      log.push(eventOf({ type: 'checkpoint', executionId, worker: 'child', ...told }));
      continue;
    }
    const fold = folds[act.worker];
    const worker = WORKERS[act.worker] ?? '';
    if (!fold) continue;
    const known = fold.execution(executionId);
    const order = known?.order;
    const key = `${worker} ${executionId}`;
    const write = (part: Partial<AgentEvent> & Pick<AgentEvent, 'type'>, epoch: number): void => {
      const sequence = sequences.get(`${key} ${epoch}`) ?? 0;
      sequences.set(`${key} ${epoch}`, sequence + 1);
      log.push(
        eventOf({ ...part, executionId, worker, epoch, sequence, at: 1_700_000_000_000_000 + log.length }),
      );
    };
    if (order?.ended || fold.isEnded(executionId)) continue;
    if (act.kind === 'claim') {
      if (!order?.hasInput) {
        const input = JSON.stringify({ text: `Do ${executionId}.`, feature: 'chat', createdAt: 5 });
        log.push(eventOf({ type: 'user-input', executionId, worker, epoch: 0, task, input }));
      }
      write({ type: 'claim' }, (order?.epoch ?? 0) + 1);
      // It goes on once it has read its claim back.
      readTo(fold, log.length);
      continue;
    }
    const holds = order?.worker === worker;
    if (act.kind === 'snapshot') {
      const draft = snapshotDraftOf(recordOf(executionId), fold.position(), stateOf(known));
      if (!draft) throw new Error('too large');
      if (holds) write(draft, order.epoch);
      // Of a task that it knows to be begun by nobody.
      else if ((order?.epoch ?? 0) === 0) log.push(eventOf({ ...draft, executionId, worker, epoch: 0 }));
      continue;
    }
    if (!holds) continue;
    const step = stateOf(known).step + 1;
    if (act.kind === 'end') write({ type: 'response', step, output: '{"outcome":"completed"}' }, order.epoch);
    else write({ step, ...(HAPPENINGS[act.what] ?? { type: 'error' }) }, order.epoch);
  }
  return log;
};

export const stateOf = (execution: JournaledExecution | undefined): ExecutionState =>
  foldEvents(
    execution?.events ?? [],
    (execution?.snapshot && snapshotStateOf(execution.snapshot)) ?? INITIAL_STATE,
  );
