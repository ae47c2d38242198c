/** Models that say nothing: the call is given up, its breaker hears of it, and the next model is asked while there is time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type CallGuards, UNGUARDED } from '../../../agents/runtime/call-guards.ts';
import { type CallFailure, callModel } from '../../../agents/runtime/step-calls.ts';
import { tellBreaker } from '../../../agents/runtime/tell-breaker.ts';
import { createCallLimiter } from '../../../connectors/models/language/call-limiter.ts';
import type { LanguageModel } from '../../../connectors/models/language/language-model.ts';
import { createLimitedModel } from '../../../connectors/models/language/limited-model.ts';
import { runModelCall } from '../../../connectors/models/language/model-call.ts';
import { createProviderHold } from '../../../connectors/models/language/provider-hold.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { simulate } from './simulated-journal.ts';

const ANSWER = { kind: 'text' as const, text: 'Thirty days [1].' };
const PROMPT = { system: '', messages: [{ role: 'user' as const, content: 'hello' }], maxOutputTokens: 5 };
const NOBODY = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** As a provider's adapter does it: something comes after each of these times, then an answer, where there are any. */
const slowModel = (id: string, everyMs: readonly number[]): LanguageModel => {
  const answering = scriptedModel(id, [ANSWER]);
  return {
    ...answering,
    generate: (request) =>
      runModelCall({ secret: '' }, request, async ({ signal, reached }) => {
        const gone = new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
        for (const ms of everyMs) {
          await Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), gone]);
          reached('answering');
        }
        return everyMs.length === 0 ? gone : answering.generate(request);
      }),
  };
};

const limited = (model: LanguageModel, settings: { concurrency?: number; heldMs?: number } = {}) => {
  const hold = createProviderHold(() => performance.now());
  if (settings.heldMs !== undefined) hold.refused(settings.heldMs);
  const { concurrency = Number.POSITIVE_INFINITY } = settings;
  const limits = {
    concurrency,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    tokensPerMinute: Number.POSITIVE_INFINITY,
  };
  const limiter = createCallLimiter({ limits, hold, maxHoldMs: 15_000, now: () => performance.now() });
  return createLimitedModel(model, { limiter, hold });
};

const failureOf = async (model: LanguageModel, limitMs: number): Promise<CallFailure | null> => {
  const called = callModel(model, PROMPT, { limitMs, signal: NOBODY, onChunk: () => undefined });
  await vi.advanceTimersByTimeAsync(limitMs + 1_000);
  return (await called).failure;
};

/** What its breaker hears. */
const toldOf = (failure: CallFailure | null): unknown => {
  const told: unknown[] = [];
  const guards = {
    called: (_: string, worked: boolean) => void told.push(worked),
    notMade: () => void told.push('not made'),
  };
  tellBreaker(guards, { name: 'model:first', sinceMs: 0 }, failure, NOBODY);
  return told[0];
};

const simulated = async (models: readonly LanguageModel[], open: readonly string[] = []) => {
  const told: unknown[] = [];
  const guards: CallGuards = {
    ...UNGUARDED,
    mayCall: async (name) => (open.includes(name) ? { message: 'open', retryAfterMs: 60_000 } : null),
    peek: async (name) => !open.includes(name),
    called: (name, worked) => void told.push([name, worked]),
    notMade: (name) => void told.push([name, 'not made']),
  };
  const simulation = simulate({ agent: randomAgent({ maxMs: 120_000 }), models, guards });
  const run = simulation.run('worker-a');
  await vi.advanceTimersByTimeAsync(130_000);
  await run;
  const of = (type: string) => simulation.log.filter((event) => event.type === type);
  return {
    told,
    intents: of('intent').map(({ name }) => name),
    end: simulation.log.at(-1),
    errors: of('error'),
  };
};

test('a model that hangs has failed for its breaker, and may have been charged', async () => {
  const failure = await failureOf(limited(slowModel('first', [])), 60_000);
  expect(failure).toMatchObject({ code: 'timeout', retryable: false, uncertain: true, made: true });
  expect(toldOf(failure)).toBe(false);
});

test('what was cut off soon, or while more of it came, says nothing of its model', async () => {
  const soon = await failureOf(slowModel('first', []), 2_000);
  expect([soon?.code, toldOf(soon)]).toEqual(['timeout', 'not made']);
  const answering = await failureOf(slowModel('first', Array(20).fill(5_000)), 60_000);
  expect([answering?.code, toldOf(answering)]).toEqual(['timeout', 'not made']);
});

test('one that waited for its turn until its time was over was not sent: it costs nothing and tells nothing', async () => {
  const model = limited(slowModel('first', []), { concurrency: 1 });
  void model.generate(PROMPT).catch(() => undefined);
  const failure = await failureOf(model, 60_000);
  expect(failure).toMatchObject({ code: 'timeout', uncertain: false, made: false });
  expect(toldOf(failure)).toBe('not made');
});

test('one that a hold of the provider keeps back is no failure of it', async () => {
  const failure = await failureOf(limited(slowModel('first', []), { heldMs: 60_000 }), 1_000);
  expect(failure).toMatchObject({ code: 'rate-limited', retryable: true, made: false });
  expect(toldOf(failure)).toBe('not made');
});

test('the next model is asked when half of the time is over, and nothing came of the first', async () => {
  const { told, intents, end, errors } = await simulated([slowModel('first', []), slowModel('second', [1])]);
  expect(intents).toEqual(['first', 'second']);
  expect(end?.error).toBeNull();
  expect(told).toEqual([
    ['model:first', false],
    ['model:second', true],
  ]);
  // It may have been charged.
  expect(errors.map(({ error, reservedUsd }) => [error?.code, reservedUsd !== null])).toEqual([
    ['timeout', true],
  ]);
});

test('one that goes on answering, and the last that may be asked, have all of the time', async () => {
  const slow = await simulated([slowModel('first', Array(5).fill(20_000)), slowModel('second', [1])]);
  expect(slow.intents).toEqual(['first']);
  expect([slow.end?.error, slow.told]).toEqual([null, [['model:first', true]]]);
  const alone = await simulated([slowModel('first', [])]);
  expect(alone.told).toEqual([['model:first', false]]);
});

test('one that is slow is not given up for another that could not answer either', async () => {
  const slow = () => slowModel('first', [70_000]);
  const held = await simulated([slow(), slowModel('second', [1])], ['model:second']);
  expect([held.intents, held.end?.error, held.told]).toEqual([['first'], null, [['model:first', true]]]);
  const tooDear = {
    ...slowModel('second', [1]),
    price: { inputPerMillionUsd: '9000', outputPerMillionUsd: '9000' },
  };
  const dear = await simulated([slow(), tooDear]);
  expect([dear.intents, dear.end?.error]).toEqual([['first'], null]);
  // Of three, one that is held back stands in no other's way.
  const third = await simulated(
    [slow(), slowModel('second', [1]), slowModel('third', [1])],
    ['model:second'],
  );
  expect([third.intents, third.end?.error]).toEqual([['first', 'third'], null]);
});
