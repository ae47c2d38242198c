import type { LanguageModelConfig } from '../../../schemas/config.ts';
import { createExtractiveModel } from './extractive-model.ts';
import type { LanguageModel } from './language-model.ts';
import { createOpenAiCompatibleModel } from './openai-compatible-model.ts';

/**
 * The language model a configuration names. Opens nothing: the first call connects. Without a price the model counts
 * as free, as one on the own machine is: then no money cap holds it, only the caps on steps and time.
 */
export const languageModelFromConfig = (config: LanguageModelConfig): LanguageModel => {
  switch (config.kind) {
    case 'extractive':
      return createExtractiveModel();
    case 'openai-compatible':
      return createOpenAiCompatibleModel({
        baseUrl: config.baseUrl,
        model: config.model,
        apiKey: config.apiKey ?? '',
        price: config.price ?? { inputPerMillionUsd: '0', outputPerMillionUsd: '0' },
      });
    default:
      return config satisfies never;
  }
};
