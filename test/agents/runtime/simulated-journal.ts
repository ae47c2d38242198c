/**
 * A model of the runtime's own interface `PartitionJournal`, for property tests of its pure decisions: its fold, its journal
 * of an execution and its loop run on a list of events, with chance in the place of the world. It stands in for no server:
 * what Kafka does to a journal is tested on Kafka (partition-journal.server.test.ts, task-worker.server.test.ts).
 */

import { createEphemeralMemory } from '../../../agents/memory/ephemeral-memory.ts';
import { type CallGuards, UNGUARDED } from '../../../agents/runtime/call-guards.ts';
import { type DecisionFacts, decide } from '../../../agents/runtime/decide.ts';
import { type ExecutionControls, SILENT } from '../../../agents/runtime/execution-controls.ts';
import {
  type EventDraft,
  type ExecutionJournal,
  eventOf,
  openExecutionJournal,
} from '../../../agents/runtime/execution-journal.ts';
import { type ExecutionMemory, FORGETFUL } from '../../../agents/runtime/execution-memory.ts';
import type { ExecutionToRun, RunServices } from '../../../agents/runtime/execution-run.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import { createJournalFold } from '../../../agents/runtime/journal-fold.ts';
import { runExecution } from '../../../agents/runtime/run-execution.ts';
import type { RuntimeEvent } from '../../../agents/runtime/runtime-event.ts';
import type { Subtasks } from '../../../agents/runtime/subtasks.ts';
import type { LanguageModel } from '../../../connectors/models/language/language-model.ts';
import type { AgentDefinition } from '../../../schemas/agent-definition.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import type { AgentEvent, TaskFreshness, TaskParent } from '../../../schemas/records.ts';
import type { Retriever } from '../../../schemas/search.ts';
import { taskTraceOf } from '../../../schemas/task-trace.ts';
import { fixedRetriever } from '../fixed-retriever.ts';

export {
  type DecisionFacts,
  decide,
  type EventDraft,
  type ExecutionJournal,
  foldEvents,
  openExecutionJournal,
};

export interface Simulation {
  readonly log: readonly AgentEvent[];
  readonly events: readonly RuntimeEvent[];
  /** Its clock as it stands, microseconds since the Unix epoch. */
  now(): number;
  /** Called for each event that comes into the log from now on. */
  onAppend(heard: (event: AgentEvent) => unknown): void;
  /** Somebody outside of every claim says something of it. */
  tell(draft: EventDraft): void;
  /** Runs the execution under the next epoch as a worker of this name; the log may end its life after so many appends. */
  run(worker: string, dieAfter?: number, signal?: AbortSignal): Promise<void>;
}

export const simulate = (settings: {
  readonly agent: AgentDefinition | null;
  readonly models: readonly LanguageModel[];
  readonly text?: string;
  readonly budget?: { readonly maxUsd: string | null; readonly maxSteps: number | null };
  readonly refusal?: ExecutionToRun['refusal'];
  readonly endsBare?: boolean;
  /** Of the output of its end; nothing is too large where left out. */
  readonly maxEndCharacters?: number;
  readonly freshness?: TaskFreshness;
  /** Microseconds since the Unix epoch. */
  readonly deadlineAt?: number;
  /** Who waits for it. */
  readonly parent?: TaskParent;
  readonly retriever?: Retriever;
  readonly control?: ExecutionControls;
  readonly memory?: ExecutionMemory;
  readonly guards?: CallGuards;
  /** Given the log, so that it can tell a parent. */
  readonly subtasks?: Subtasks;
  readonly capabilities?: readonly string[];
  /** What it goes on from, and after which step. */
  readonly fork?: { readonly origin: readonly AgentEvent[]; readonly step: number };
  /** What stands in the journal already. */
  readonly journaled?: readonly AgentEvent[];
}): Simulation => {
  const log: AgentEvent[] = [];
  const events: RuntimeEvent[] = [];
  const fold = createJournalFold(0, () => undefined);
  for (const event of settings.journaled ?? []) {
    fold.offer(log.length, event);
    log.push(event);
  }
  // A clock that moves by itself: no test depends on the machine's.
  let now = Math.max(1_700_000_000_000_000, ...(settings.journaled ?? []).map(({ at }) => at));
  const { agent, models, maxEndCharacters = Number.POSITIVE_INFINITY } = settings;
  let heard: (event: AgentEvent) => unknown = () => undefined;
  return {
    log,
    events,
    now: () => now,
    onAppend: (hear) => {
      heard = hear;
    },
    tell: (draft) => {
      const [first] = log;
      if (!first) throw new Error('nothing is journaled yet');
      const event = eventOf(first, draft, { epoch: 0, sequence: 0 }, now);
      fold.offer(log.length, event);
      log.push(event);
    },
    run: async (worker, dieAfter = Number.POSITIVE_INFINITY, signal = new AbortController().signal) => {
      let appends = 0;
      const services: RunServices = {
        journal: {
          fold,
          append: async (batch) => {
            appends += 1;
            if (appends > dieAfter) throw new FreshetError('unavailable', 'killed');
            if (
              batch.some(
                ({ type, output }) => type === 'response' && (output?.length ?? 0) > maxEndCharacters,
              )
            )
              throw new FreshetError('request-too-large', 'it does not fit the journal');
            for (const event of batch) {
              fold.offer(log.length, event);
              log.push(event);
              heard(event);
            }
            return log.length - 1;
          },
          leave: async (batch) => {
            appends += 1;
            if (appends > dieAfter) throw new FreshetError('unavailable', 'killed');
            for (const event of batch) {
              fold.offer(log.length, event);
              log.push(event);
            }
          },
          follow: () => undefined,
          readTo: async () => undefined,
          readToEnd: async () => undefined,
          watch: () => () => undefined,
          abandon: () => undefined,
        },
        // Nothing is too large for a list.
        payloads: { whole: async (event) => event },
        models,
        retriever: settings.retriever ?? fixedRetriever(),
        openChunks: () => ({
          onModelChunk: () => () => undefined,
          state: () => undefined,
          flush: () => undefined,
        }),
        control: settings.control ?? SILENT,
        scratch: createEphemeralMemory(),
        memory: settings.memory ?? FORGETFUL,
        guards: settings.guards ?? UNGUARDED,
        results: null,
        subtasks: settings.subtasks ?? {
          submit: () => Promise.reject(new Error('no sub-task is expected here')),
          tellParent: () => Promise.reject(new Error('no parent is expected here')),
          cancel: async (subtasks) => {
            if (subtasks.length > 0) throw new Error('no sub-task is expected here');
          },
        },
        readExecution: async () => {
          if (!settings.fork) throw new Error('no fork is expected here');
          return settings.fork.origin;
        },
        capabilitiesOf: () => settings.capabilities ?? [],
        localTenant: 'local',
        sourceUrls: {},
        clock: () => {
          now += 300_000;
          return now;
        },
        onEvent: (event) => events.push(event),
      };
      const epoch = (fold.execution('execution-1')?.order.epoch ?? 0) + 1;
      await runExecution(
        {
          identity: {
            executionId: 'execution-1',
            taskId: 'task-1',
            agent: agent?.name ?? 'nobody',
            behaviour: agent?.version ?? '',
            worker,
            tenant: 'acme',
            sessionId: null,
          },
          input: {
            text: settings.text ?? 'How long do I have to return a product?',
            principal: null,
            feature: 'chat',
            budget: settings.budget ?? null,
            ...(settings.freshness ? { freshness: settings.freshness } : {}),
            ...(settings.parent ? { parent: settings.parent } : {}),
            ...(settings.fork
              ? { fork: { partition: 0, offset: 0, step: settings.fork.step, compensate: true } }
              : {}),
            ...(settings.deadlineAt === undefined ? {} : { deadlineAt: settings.deadlineAt }),
            createdAt: 1_700_000_000_000_000,
          },
          task: { topic: 'freshet.tasks', partition: 0, offset: 3 },
          agent,
          refusal: settings.refusal ?? null,
          endsBare: settings.endsBare ?? false,
          epoch,
          trace: taskTraceOf(undefined, 'execution-1', 1),
          signal,
          onPoison: async () => undefined,
          place: { leaveWhile: (wait) => wait() },
          waits: { during: (_, wait) => wait(new AbortController().signal) },
        },
        services,
      );
    },
  };
};
