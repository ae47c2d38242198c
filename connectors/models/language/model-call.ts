/** What the calls of all providers share: the deadline, how far a call came, and what its failure means. */
import { type CallDeadline, startCallDeadline } from './call-deadline.ts';
import { classifyModelFailure, type FailureContext } from './classify-model-failure.ts';
import type { ModelReply, ModelRequest } from './language-model.ts';

/** How long a call may take, in milliseconds. */
export interface CallLimits {
  /** Longest call. Default 300,000. */
  readonly timeoutMs?: number | undefined;
  /** Longest time in which nothing comes. Default 120,000. */
  readonly silenceTimeoutMs?: number | undefined;
}

export interface CallProgress {
  /** Ends with the caller's signal, with the deadline, or with too long a silence. */
  readonly signal: AbortSignal;
  /** Something came: the silence begins anew, and a failure from now on means what its stage says. */
  reached(stage: FailureContext['stage']): void;
}

/** Far above any answer: an endpoint that goes on for ever does not fill memory. */
const MAX_REPLY_CHARACTERS = 8 * 1024 * 1024;

/** To be asked as a reply comes. @throws Error when it is too long to be one */
export const checkLength = (characters: number): void => {
  if (characters > MAX_REPLY_CHARACTERS)
    throw new Error(`it has more than ${MAX_REPLY_CHARACTERS} characters, and is not read further`);
};

const TIMEOUT_MS = 300_000;
const SILENCE_MS = 120_000;

/**
 * One call of a provider. It is not retried here: the runtime does that, because each attempt is journaled and paid for.
 *
 * @param secret removed from every message
 * @throws ModelError, whatever `call` throws
 */
export const runModelCall = async (
  settings: CallLimits & { readonly secret: string },
  { signal, onProgress }: Pick<ModelRequest, 'signal' | 'onProgress'>,
  call: (progress: CallProgress) => Promise<ModelReply>,
): Promise<ModelReply> => {
  const deadline: CallDeadline = startCallDeadline({
    signal,
    totalMs: settings.timeoutMs ?? TIMEOUT_MS,
    silenceMs: settings.silenceTimeoutMs ?? SILENCE_MS,
  });
  let stage: FailureContext['stage'] = 'asking';
  const progress: CallProgress = {
    signal: deadline.signal,
    reached: (next) => {
      stage = next;
      deadline.touch();
      onProgress?.();
    },
  };
  try {
    return await call(progress);
  } catch (thrown) {
    const { secret } = settings;
    throw classifyModelFailure(thrown, { ended: deadline.ended(), stage, nowMs: Date.now(), secret });
  } finally {
    deadline.release();
  }
};
