/**
 * The world outside of the agents: a model that meters every call at its arrival, and a desk where deeds take effect, which
 * honours the idempotency key of a `post` and none of a `stamp`. One HTTP server, in a process that nothing kills; what it
 * saw is the truth that the journal is held against.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { formatUsd, priceOf } from '../../schemas/money.ts';
import { CHAOS_PRICE, usageOfCall } from './call-prices.ts';
import type { PlannedTask } from './chaos-plan.ts';
import type { HistoryEntry } from './history.ts';

export interface Outside {
  readonly url: string;
  close(): Promise<void>;
}

const modelQuestion = z.object({
  taskId: z.string(),
  /** Deeds that the conversation has the outcome of. */
  done: z.number().int(),
});
const deedQuestion = z.object({
  taskId: z.string(),
  number: z.number().int(),
  deed: z.enum(['look', 'post', 'stamp']),
  key: z.string(),
});

/** What the model says: the next deed, or null for the answer. */
export const modelAnswer = z.object({
  next: z.object({ deed: z.enum(['look', 'post', 'stamp']), number: z.number().int() }).nullable(),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
});

/** Of a hundred first calls so many are charged and break off: their cost must be counted at the reservation. */
const LOST_OF_100 = 3;
const LOOK_MS = 10;

type Sight = Extract<HistoryEntry, { readonly kind: 'charged' | 'deed' }>;
type Unplaced<Of> = Of extends unknown ? Omit<Of, 'atMs'> : never;

export const startOutside = async (
  tasks: readonly PlannedTask[],
  onSight: (sight: Unplaced<Sight>) => void,
): Promise<Outside> => {
  const planned = new Map(tasks.map((task) => [task.taskId, task]));
  const keys = new Set<string>();
  const called = new Set<string>();

  const model = async ({ taskId, done }: z.infer<typeof modelQuestion>, response: ServerResponse) => {
    const task = planned.get(taskId);
    const usage = usageOfCall(done);
    const call = `${taskId} ${done}`;
    const lost = !called.has(call) && hashOf(call) % 100 < LOST_OF_100;
    called.add(call);
    onSight({ kind: 'charged', taskId, usd: formatUsd(priceOf(usage, CHAOS_PRICE)), lost });
    await sleep(task?.modelMs ?? 0);
    if (lost) return void response.destroy();
    const deed = task?.deeds[done];
    const next = deed === undefined ? null : { deed, number: done };
    response.end(JSON.stringify({ next, ...usage } satisfies z.infer<typeof modelAnswer>));
  };

  const act = async (
    { taskId, number, deed, key }: z.infer<typeof deedQuestion>,
    response: ServerResponse,
  ) => {
    const applied = deed !== 'post' || !keys.has(key);
    keys.add(key);
    onSight({ kind: 'deed', taskId, number, deed, key, applied });
    await sleep(deed === 'look' ? LOOK_MS : (planned.get(taskId)?.deedMs ?? 0));
    response.end(JSON.stringify({ done: deed, number }));
  };

  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    bodyOf(request)
      .then((body) =>
        request.url === '/model'
          ? model(modelQuestion.parse(body), response)
          : act(deedQuestion.parse(body), response),
      )
      // Whoever asked is gone, killed in the middle of the question.
      .catch(() => response.destroy());
  });
  // A connection that is closed just as somebody asks on it again is a failure that no fault explains.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  return {
    url: `http://127.0.0.1:${typeof at === 'object' && at ? at.port : 0}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString());
};

const hashOf = (text: string): number => {
  let hash = 0;
  for (const character of text) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0;
  return hash;
};
