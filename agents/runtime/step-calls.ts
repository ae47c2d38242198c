/** The calls that leave the process: model, tool, retriever. Each ends within its time, and says how long it took. */

import type {
  JsonValue,
  LanguageModel,
  ModelChunk,
  ModelPrompt,
  ModelReply,
} from '../../connectors/models/language/language-model.ts';
import { ModelError } from '../../connectors/models/language/model-error.ts';
import { wholeCall } from '../../connectors/models/language/whole-call.ts';
import { openFetch } from '../../connectors/web/open-fetch.ts';
import type { ToolContext, ToolDefinition } from '../../schemas/agent-definition.ts';
import { LONGEST_TIMER_MS } from '../../schemas/clock.ts';
import { FreshetError, OutcomeUnknown, toError } from '../../schemas/errors.ts';
import { MAX_PAYLOAD_BYTES, payloadTooLarge } from '../../schemas/payload-parts.ts';
import { DEFAULT_FRESHNESS_WAIT_MS, type Retriever, type SearchRequest } from '../../schemas/search.ts';

export interface CallFailure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  /** Of a model: it may have been charged. Of a write tool: it may have taken effect. */
  readonly uncertain: boolean;
  /** False: nothing was sent, so nothing was spent. */
  readonly made?: boolean;
  /** Of a model whose time was over: how long nothing had come of it. */
  readonly silentMs?: number;
}

export type CallOutcome<Output> = { readonly durationMicros: number } & (
  | { readonly output: Output; readonly failure: null }
  | { readonly output: null; readonly failure: CallFailure }
);

const DEFAULT_TOOL_TIMEOUT_MS = 30_000;
const RETRIEVE_TIMEOUT_MS = 10_000;
const MAX_MESSAGE_CHARACTERS = 500;

/** Code of a call that was told to end: its execution is stopped, or its worker is. */
export const STOPPED = 'stopped';

/** A model that was not sent the call yet says so, and nothing is counted as spent. */
const MODEL_SETTLE_MS = 50;

class Timeout extends Error {
  /** Since anything was heard of it. */
  readonly silentMs: number;
  constructor(message: string, silentMs: number) {
    super(message);
    this.silentMs = silentMs;
  }
}

/** Told to end from outside: before it was begun, or under way, when nobody knows how far it came. */
class Stopped extends Error {
  readonly begun: boolean;
  constructor(begun: boolean, cause: unknown) {
    super(begun ? 'stopped while it was under way' : 'stopped before it was begun', { cause });
    this.begun = begun;
  }
}

/**
 * Ends with the call, the limit or the signal, whichever is first: a call that ignores its signal is left behind. `silenceMs`: how
 * long nothing may be heard of it. `settleMs`: how long a call that was told to end may take to say what became of it; what it says
 * is the cause of the error then.
 */
const within = async <Output>(
  limitMs: number,
  signal: AbortSignal,
  call: (signal: AbortSignal, heard: () => void) => Promise<Output>,
  { settleMs = 0, silenceMs = limitMs }: { readonly settleMs?: number; readonly silenceMs?: number } = {},
): Promise<Output> => {
  if (signal.aborted) throw new Stopped(false, signal.reason);
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let silence: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  let told: Error | undefined;
  let heardAt = performance.now();
  const heard = (): void => {
    heardAt = performance.now();
    if (!controller.signal.aborted) silence?.refresh();
  };
  const ended = new Promise<never>((_, reject) => {
    const stop = (error: Error): void => {
      told = error;
      // The limit's own, where somebody else ends it: the one to settle takes its place.
      clearTimeout(timer);
      clearTimeout(silence);
      controller.abort(error);
      if (settleMs === 0) reject(error);
      else timer = setTimeout(() => reject(error), settleMs);
    };
    onAbort = () => stop(new Stopped(true, signal.reason));
    const after = (ms: number, message: string): NodeJS.Timeout =>
      setTimeout(
        () => stop(new Timeout(message, performance.now() - heardAt)),
        Math.min(LONGEST_TIMER_MS, Math.max(1, ms)),
      );
    timer = after(limitMs, `not done within ${Math.round(limitMs)} ms`);
    if (silenceMs < limitMs) silence = after(silenceMs, `nothing came for ${Math.round(silenceMs)} ms`);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([call(controller.signal, heard), ended]);
  } catch (error) {
    if (!told) throw error;
    // What it says of being told to end comes first or second by chance; only who is given time to settle is listened to.
    if (settleMs > 0 && error !== told) told.cause = error;
    throw told;
  } finally {
    clearTimeout(timer);
    clearTimeout(silence);
    silence = undefined;
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
};

const timed = async <Output>(
  call: () => Promise<Output>,
  failureOf: (error: Error) => CallFailure,
): Promise<CallOutcome<Output>> => {
  const began = performance.now();
  const since = (): number => Math.round((performance.now() - began) * 1_000);
  try {
    const output = await call();
    return { output, failure: null, durationMicros: since() };
  } catch (thrown) {
    const failure = failureOf(toError(thrown));
    const message = failure.message.slice(0, MAX_MESSAGE_CHARACTERS);
    return { output: null, failure: { ...failure, message }, durationMicros: since() };
  }
};

export const callModel = (
  model: LanguageModel,
  prompt: ModelPrompt,
  call: {
    readonly limitMs: number;
    /** How long nothing may come of it; as long as it may take, where left out. */
    readonly silenceMs?: number;
    readonly signal: AbortSignal;
    readonly onChunk: (chunk: ModelChunk) => void;
    readonly traceparent?: string;
  },
): Promise<CallOutcome<ModelReply>> =>
  timed(
    async () => {
      const reply = await within(
        call.limitMs,
        call.signal,
        (signal, onProgress) =>
          model.generate({
            ...{ ...prompt, signal, onChunk: call.onChunk, onProgress },
            ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }),
          }),
        {
          settleMs: MODEL_SETTLE_MS,
          ...(call.silenceMs === undefined ? {} : { silenceMs: call.silenceMs }),
        },
      );
      // Whoever made the model: what is decided by it must be what is read of it (I10).
      return { ...reply, toolCalls: reply.toolCalls.map(wholeCall) };
    },
    (error) => {
      const { message } = error;
      const failure = { message, retryable: false, retryAfterMs: null };
      const said = error.cause instanceof ModelError ? error.cause : null;
      if (error instanceof Timeout) {
        const { mayHaveCost = true, sent = true } = said ?? {};
        return { ...failure, code: 'timeout', uncertain: mayHaveCost, made: sent, silentMs: error.silentMs };
      }
      if (error instanceof Stopped && !said)
        return { ...failure, code: STOPPED, uncertain: error.begun, made: error.begun };
      const failed = error instanceof ModelError ? error : said;
      if (!failed) return { ...failure, code: 'internal', uncertain: true };
      const { reason, retryable, retryAfterMs, mayHaveCost, sent } = failed;
      return {
        ...{ code: reason, message: failed.message, retryable, retryAfterMs },
        ...{ uncertain: mayHaveCost, made: sent },
      };
    },
  );

const waitOf = ({ freshness }: SearchRequest): number =>
  freshness ? (freshness.waitMs ?? DEFAULT_FRESHNESS_WAIT_MS) : 0;

export const callRetriever = (
  retriever: Retriever,
  request: SearchRequest,
  call: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<CallOutcome<JsonValue>> =>
  timed(
    async () =>
      plain(
        await within(Math.min(call.limitMs, RETRIEVE_TIMEOUT_MS + waitOf(request)), call.signal, (signal) =>
          retriever.search(request, signal),
        ),
      ),
    (error) => ({
      code: error instanceof FreshetError ? error.code : error instanceof Timeout ? 'timeout' : 'internal',
      message: error.message,
      // It has waited for the index already.
      retryable: !(error instanceof FreshetError) || !['request-invalid', 'stale'].includes(error.code),
      retryAfterMs: null,
      uncertain: false,
    }),
  );

/** What a call is made with; its `fetch` is made for it, to end when it does. */
export type ToolCallContext = Omit<ToolContext, 'fetch'>;

type ToolCallBounds = { readonly limitMs: number; readonly context: ToolCallContext };

export const callTool = (
  tool: ToolDefinition,
  input: JsonValue,
  bounds: ToolCallBounds,
): Promise<CallOutcome<JsonValue>> =>
  withinTool(tool, bounds, (context) => tool.execute(tool.arguments.parse(input), context));

/** Undoes what a call of it came to. */
export const callCompensation = (
  tool: ToolDefinition,
  { input, output }: { readonly input: JsonValue; readonly output: JsonValue },
  bounds: ToolCallBounds,
): Promise<CallOutcome<JsonValue>> =>
  withinTool(tool, bounds, async (context) => {
    await tool.compensate?.(tool.arguments.parse(input), output, context);
    return null;
  });

const withinTool = (
  { timeoutMs = DEFAULT_TOOL_TIMEOUT_MS, fetch: policy }: ToolDefinition,
  { limitMs, context }: ToolCallBounds,
  call: (context: ToolContext) => Promise<unknown>,
): Promise<CallOutcome<JsonValue>> => {
  let answered = false;
  return timed(
    async () => {
      const output = await within(Math.min(limitMs, timeoutMs), context.signal, (signal) =>
        call({ ...context, signal, fetch: openFetch({ ...policy, signal }) }),
      );
      answered = true;
      return plain(output);
    },
    (error) => {
      const { message } = error;
      const failure = { message, retryable: false, retryAfterMs: null };
      if (error instanceof Timeout) return { ...failure, code: 'timeout', uncertain: true };
      if (error instanceof Stopped)
        return { ...failure, code: STOPPED, uncertain: error.begun, made: error.begun };
      const code = error instanceof FreshetError ? error.code : 'tool-failed';
      // What it did is done, though its answer is of no use.
      return { ...failure, code, uncertain: answered || error instanceof OutcomeUnknown };
    },
  );
};

/** What of an output survives the journal, so that a run and its replay see the same. */
const plain = (output: unknown): JsonValue => {
  const text = JSON.stringify(output ?? null) ?? 'null';
  const bytes = Buffer.byteLength(text);
  // A failure, not a truth cut in half.
  if (bytes > MAX_PAYLOAD_BYTES) throw payloadTooLarge(bytes);
  return JSON.parse(text) as JsonValue;
};
