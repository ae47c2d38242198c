/** A caller of the gateway that does not give up: what is not answered is asked again, as the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { EntryOf } from './history.ts';

export type Posted =
  | { readonly as: string }
  /** It will not be taken, however often it is sent. */
  | { readonly status: number; readonly code: string };

export interface GatewayClient {
  /** Again and again under the same key, until it is answered or given up: then null. */
  post(idempotencyKey: string, task: unknown, givenUp: () => boolean): Promise<Posted | null>;
  /** Null where it does not answer now, or knows no such task. */
  look(taskId: string): Promise<Omit<EntryOf<'shown'>, 'kind'> | null>;
}

const accepted = z.object({ taskId: z.string() });
const problem = z.object({ code: z.string() });
const task = z.object({
  executionId: z.string(),
  state: z.string(),
  error: problem.nullable(),
  cost: z.object({ usd: z.string() }),
});
const execution = z.object({ state: z.string(), claims: z.number(), costUsd: z.string() });

const TRY_AGAIN_MS = 300;
/** Longer than the gateway itself waits for Kafka. */
const ANSWER_WITHIN_MS = 20_000;
const BUSY = 429;

export const openGatewayClient = (url: string): GatewayClient => {
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(url + path, { ...init, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  const got = async <Of>(path: string, shape: z.ZodType<Of>): Promise<Of | null> => {
    const response = await ask(path);
    return response.ok ? shape.parse(await response.json()) : null;
  };

  const postOnce = async (key: string, body: unknown): Promise<Posted | null> => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    const response = await ask('/v1/tasks', { method: 'POST', headers, body: JSON.stringify(body) });
    const { status } = response;
    if (response.ok) return { as: accepted.parse(await response.json()).taskId };
    if (status === BUSY || status >= 500) return null;
    return { status, code: problem.parse(await response.json()).code };
  };

  return {
    post: async (key, body, givenUp) => {
      while (!givenUp()) {
        // Gone before it answered: whether it was taken on is not known.
        const posted = await postOnce(key, body).catch(() => null);
        if (posted) return posted;
        await sleep(TRY_AGAIN_MS);
      }
      return null;
    },
    look: async (taskId) => {
      try {
        const seen = await got(`/v1/tasks/${taskId}`, task);
        const ran = seen && (await got(`/v1/executions/${seen.executionId}`, execution));
        if (!seen || !ran || ran.costUsd !== seen.cost.usd || ran.state !== seen.state) return null;
        const { state, error, cost } = seen;
        return { taskId, state, code: error?.code ?? null, costUsd: cost.usd, claims: ran.claims };
      } catch {
        return null;
      }
    },
  };
};
