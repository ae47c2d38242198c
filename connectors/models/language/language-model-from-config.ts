import { createExtractiveModel } from './extractive-model.ts';
import type { LanguageModel } from './language-model.ts';
import { createOpenAiCompatibleModel, type OpenAiCompatibleOptions } from './openai-compatible-model.ts';

export type LanguageModelConfig =
  | { readonly kind: 'extractive' }
  | ({ readonly kind: 'openai-compatible' } & OpenAiCompatibleOptions);

/** The language model a configuration names. Opens nothing: the first call connects. */
export const languageModelFromConfig = (config: LanguageModelConfig): LanguageModel => {
  switch (config.kind) {
    case 'extractive':
      return createExtractiveModel();
    case 'openai-compatible': {
      const { kind: _, ...options } = config;
      return createOpenAiCompatibleModel(options);
    }
    default:
      return config satisfies never;
  }
};
