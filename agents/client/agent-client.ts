/**
 * One agent over HTTP, as a program works with it: what every production agent answers, typed. It needs the gateway's
 * address and nothing else of Freshet. Errors are FreshetError with the gateway's own code; `unavailable` where it does
 * not answer at all.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { FreshetError } from '../../schemas/errors.ts';
import { openGateway } from './gateway-calls.ts';

export interface AgentRequest {
  readonly input: string;
  /** Tasks of one session run in order. */
  readonly sessionId?: string;
  readonly feature?: string;
  readonly tenant?: string;
  readonly budget?: { readonly maxUsd?: string; readonly maxSteps?: number };
  /** The same key is the same task, however often it is sent; made anew where left out. */
  readonly idempotencyKey?: string;
}

export interface AgentAnswer {
  readonly taskId: string;
  readonly executionId: string;
  readonly outcome: 'completed' | 'failed' | 'halted';
  /** `{text, citations, model, finishReason}` where it completed. */
  readonly result: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** How old the context was. */
  readonly receipt: unknown;
  readonly costUsd: string;
}

export interface AgentHealth {
  readonly state: 'healthy' | 'degraded' | 'failing' | 'unknown';
  readonly reasons: readonly string[];
  readonly open: number;
}

export interface AgentFigures {
  readonly since: string | null;
  readonly requests: number;
  readonly requestsPerMinute: number;
  readonly completed: number;
  readonly failed: number;
  readonly halted: number;
  readonly successRate: number | null;
  readonly errorRate: number | null;
  readonly loopRate: number | null;
  readonly latencyMs: {
    readonly p50: number | null;
    readonly p95: number | null;
    readonly p99: number | null;
  };
  readonly meanResolutionMs: number | null;
  readonly tokensPerRequest: number | null;
  readonly apiCallsPerRequest: number | null;
  readonly meanCostUsd: string | null;
  readonly toolSuccessRate: number | null;
  readonly feedbackScore: number | null;
  readonly feedbackCount: number;
  readonly memoryBytes: number | null;
}

export interface Recovered {
  readonly taskId: string;
  /** Why it had failed. */
  readonly code: string;
  /** The last step of it that is taken over; 0: it begins anew. */
  readonly step: number;
  /** The task that goes on in its place; the same one, however often this is called. */
  readonly newTaskId: string;
}

/** One step of one execution, as it ended. */
export interface AgentAction {
  readonly executionId: string;
  readonly taskId: string;
  readonly step: number;
  readonly kind: string;
  readonly name: string | null;
  readonly state: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly costUsd: string | null;
  readonly startedAt: string | null;
  readonly durationMs: number;
  /** topic:partition:offset of its first event: where a replay begins. */
  readonly position: string | null;
}

export interface AgentClient {
  /** Resolves when the task has ended, however it ended. A gateway that goes away meanwhile is asked again. */
  execute(request: AgentRequest, options?: { readonly signal?: AbortSignal }): Promise<AgentAnswer>;
  healthCheck(): Promise<AgentHealth>;
  getMetrics(): Promise<AgentFigures>;
  /**
   * Recent tasks that failed for a reason that passes go on, each once: models or the index out of reach, a worker that died. Each
   * is a fork (docs/replay.md) from before what failed, so no effect is made twice, and its budget, freshness, priority and deadline
   * hold. What failed for good, may have had an effect, or is past its deadline is left to a person.
   */
  recoverFromErrors(options?: { readonly tenant?: string }): Promise<readonly Recovered[]>;
  /** What somebody thought of a task's answer, 0 useless to 1 right; of one person about one task the newest holds. Errors: `conflict` before it has ended. */
  feedback(
    taskId: string,
    given: { readonly score: number; readonly comment?: string },
    options?: { readonly tenant?: string },
  ): Promise<void>;
  /** Calls `onAction` for every step that ended, of the recent executions and then of those to come, until the signal. */
  logAllActions(onAction: (action: AgentAction) => void, signal: AbortSignal): Promise<void>;
}

/** Ends that pass by themselves and changed nothing outside. */
const PASSING: ReadonlySet<string> = new Set(['model-failed', 'retrieve-failed', 'stale', 'call-lost']);
/** Of what is no longer there to go on from, or was taken on otherwise before. */
const LEFT: ReadonlySet<string> = new Set(['not-found', 'payload-lost', 'conflict']);
/** What goes on in a failed task's place is attributed to it. */
const RECOVERY = 'recovery';
const WAIT_SECONDS = 2;
const POLL_MS = 250;
const LIST = 100;
const MAX_TOLD = 50_000;

interface TaskView {
  readonly taskId: string;
  readonly executionId: string;
  readonly feature: string | null;
  readonly outcome: AgentAnswer['outcome'] | null;
  readonly result: unknown;
  readonly error: AgentAnswer['error'];
  readonly receipt: unknown;
  readonly cost: { readonly usd: string };
  readonly deadlineAt: string | null;
}

interface ExecutionView {
  readonly executionId: string;
  readonly taskId: string;
  readonly state: string;
  readonly steps: number;
  readonly timeline: readonly (Omit<AgentAction, 'executionId' | 'taskId' | 'position'> & {
    readonly idempotencyKey: string | null;
    readonly events: readonly { readonly position: string }[];
  })[];
}

const answerOf = (task: TaskView, outcome: AgentAnswer['outcome']): AgentAnswer => {
  const { taskId, executionId, result, error, receipt, cost } = task;
  return { taskId, executionId, outcome, result, error, receipt, costUsd: cost.usd };
};

export const openAgentClient = (gatewayUrl: string, agent: string): AgentClient => {
  const gateway = openGateway(gatewayUrl);
  const name = encodeURIComponent(agent);

  const submit = (request: AgentRequest, key: string, signal?: AbortSignal) => {
    const { idempotencyKey: _, ...asked } = request;
    return gateway.post<TaskView>(
      '/v1/tasks',
      { agent, ...asked },
      {
        headers: { 'idempotency-key': key, prefer: `wait=${WAIT_SECONDS}` },
        ...(signal ? { signal } : {}),
      },
    );
  };

  return {
    execute: async (request, { signal } = {}) => {
      const key = request.idempotencyKey ?? randomUUID();
      let task = await gateway.persist(() => submit(request, key, signal), signal);
      while (task.outcome === null || task.outcome === undefined) {
        await sleep(POLL_MS, undefined, signal ? { signal } : {});
        const path = `/v1/tasks/${encodeURIComponent(task.taskId)}`;
        task = await gateway.persist(() => gateway.get<TaskView>(path, signal), signal);
      }
      return answerOf(task, task.outcome);
    },
    healthCheck: async () => (await gateway.get<{ health: AgentHealth }>(`/v1/agents/${name}`)).health,
    getMetrics: async () => (await gateway.get<{ metrics: AgentFigures }>(`/v1/agents/${name}`)).metrics,
    recoverFromErrors: async ({ tenant } = {}) => {
      const query = tenant === undefined ? '' : `tenant=${encodeURIComponent(tenant)}`;
      const { tasks } = await gateway.get<{ tasks: readonly TaskView[] }>(
        `/v1/tasks?agent=${name}&state=failed&limit=${LIST}&${query}`,
      );
      const recovered: Recovered[] = [];
      for (const { taskId, executionId, error, feature, deadlineAt } of tasks) {
        const code = error?.code ?? '';
        // One that went on in another's place failed too: that is no reason that passes.
        if (!PASSING.has(code) || feature === RECOVERY) continue;
        // Nobody waits for it any more.
        if (deadlineAt !== null && Date.parse(deadlineAt) <= Date.now()) continue;
        const path = `/v1/executions/${encodeURIComponent(executionId)}`;
        try {
          const step = lastSoundStep(
            await gateway.persist(() => gateway.get<ExecutionView>(`${path}?${query}`)),
          );
          const { taskId: newTaskId } = await gateway.persist(() =>
            gateway.post<{ readonly taskId: string }>(
              `${path}/fork?${query}`,
              {
                ...{ step, feature: RECOVERY, reason: `recovered from ${code}` },
                ...(deadlineAt === null ? {} : { deadlineAt }),
              },
              { headers: { 'idempotency-key': recoveryKeyOf(taskId, executionId) } },
            ),
          );
          recovered.push({ taskId, code, step, newTaskId });
        } catch (error) {
          if (!(error instanceof FreshetError && LEFT.has(error.code))) throw error;
        }
      }
      return recovered;
    },
    feedback: async (taskId, given, { tenant } = {}) => {
      const query = tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`;
      const path = `/v1/tasks/${encodeURIComponent(taskId)}/feedback${query}`;
      await gateway.persist(() => gateway.post(path, given));
    },
    logAllActions: async (onAction, signal) => {
      const told = new Set<string>();
      const seen = new Map<string, string>();
      while (!signal.aborted) {
        const { executions } = await gateway.persist(
          () =>
            gateway.get<{ executions: readonly ExecutionView[] }>(
              `/v1/executions?agent=${name}&limit=${LIST}`,
              signal,
            ),
          signal,
        );
        for (const { executionId, state, steps } of [...executions].reverse()) {
          const stands = `${state} ${steps}`;
          if (seen.get(executionId) === stands) continue;
          const path = `/v1/executions/${encodeURIComponent(executionId)}`;
          const detail = await gateway.persist(() => gateway.get<ExecutionView>(path, signal), signal);
          for (const action of endedActions(detail)) {
            const key = `${executionId}:${action.step}`;
            if (told.has(key)) continue;
            told.add(key);
            onAction(action);
          }
          seen.set(executionId, stands);
        }
        forgetOldest(told);
        forgetOldest(seen);
        await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  };
};

/** A task that came past the gateway may be called what no header can say, or not at such length; a header loses blanks at its ends. */
const recoveryKeyOf = (taskId: string, executionId: string): string =>
  /^(?! )[\x20-\x7e]{1,200}(?<! )$/.test(taskId) ? `recovery of ${taskId}` : `recovery of ${executionId}`;

/** The last step of a failed execution that is worth taking over: what failed at its end is made again, but an effect is not. 0: none. */
const lastSoundStep = ({ timeline }: ExecutionView): number =>
  timeline.findLast(
    ({ kind, state, idempotencyKey }) => kind !== 'respond' && (state === 'done' || idempotencyKey !== null),
  )?.step ?? 0;

const endedActions = ({ executionId, taskId, timeline }: ExecutionView): readonly AgentAction[] =>
  timeline
    .filter(({ state }) => state !== 'running')
    .map(({ events, ...step }) => ({ executionId, taskId, ...step, position: events[0]?.position ?? null }));

const forgetOldest = (kept: {
  readonly size: number;
  keys(): Iterable<string>;
  delete(key: string): boolean;
}) => {
  for (const key of kept.keys()) {
    if (kept.size <= MAX_TOLD) return;
    kept.delete(key);
  }
};
