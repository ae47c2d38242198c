import type { CallLimiter } from './call-limiter.ts';
import type { LanguageModel, ModelReply, ModelRequest } from './language-model.ts';
import { ModelError } from './model-error.ts';
import type { ProviderHold } from './provider-hold.ts';

/**
 * A model whose calls wait for their turn, bounded by each call's signal, and whose provider is left alone by all its
 * models for as long as it told any call to (429, or a 5xx with a time). A call that was told to wait
 * fails as it did before: whether it is made again is the runtime's decision.
 */
export const createLimitedModel = (
  model: LanguageModel,
  { limiter, hold }: { readonly limiter: CallLimiter; readonly hold: ProviderHold },
): LanguageModel => ({
  ...model,
  generate: async (request: ModelRequest): Promise<ModelReply> => {
    const { inputTokens, outputTokens } = model.estimate(request);
    const leave = await limiter.enter(inputTokens + outputTokens, request.signal);
    // Its wait was not the provider's: from now on it is.
    request.onProgress?.();
    let used: number | null = null;
    try {
      const reply = await model.generate(request);
      used = reply.usage.inputTokens + reply.usage.outputTokens;
      hold.answered();
      return reply;
    } catch (error) {
      if (error instanceof ModelError) {
        if (error.reason === 'rate-limited' || error.retryAfterMs !== null) hold.refused(error.retryAfterMs);
        if (!error.mayHaveCost) used = 0;
      }
      throw error;
    } finally {
      leave(used);
    }
  },
});
