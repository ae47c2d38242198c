export type CallDeadline = {
  readonly signal: AbortSignal;
  /** Something came: the silence begins anew. */
  readonly touch: () => void;
  /** Who ended the call, if anyone did. */
  readonly ended: () => 'cancelled' | 'timeout' | null;
  /** Releases timers and the caller's signal. To be called however the call ended. */
  readonly release: () => void;
};

/** Ends a streaming call when the caller does, when it takes too long in all, or when nothing comes for too long. */
export const startCallDeadline = (limits: {
  readonly signal: AbortSignal | undefined;
  readonly totalMs: number;
  readonly silenceMs: number;
}): CallDeadline => {
  const controller = new AbortController();
  let ended: 'cancelled' | 'timeout' | null = null;
  const end = (by: 'cancelled' | 'timeout') => {
    ended ??= by;
    controller.abort(new Error(`the model call ended: ${by}`));
  };
  const cancel = () => end('cancelled');
  if (limits.signal?.aborted) cancel();
  limits.signal?.addEventListener('abort', cancel, { once: true });
  const total = setTimeout(() => end('timeout'), limits.totalMs);
  const silence = setTimeout(() => end('timeout'), limits.silenceMs);
  return {
    signal: controller.signal,
    touch: () => void silence.refresh(),
    ended: () => ended,
    release: () => {
      clearTimeout(total);
      clearTimeout(silence);
      limits.signal?.removeEventListener('abort', cancel);
    },
  };
};
