/** The bound that a model puts on a prompt's tokens, without the model: no replay is given one. */
import { estimateTokens } from '../../connectors/models/language/estimate-tokens.ts';
import { createExtractiveModel } from '../../connectors/models/language/extractive-model.ts';
import type { EstimateTokens } from './what-if.ts';

const { id: EXTRACTIVE, estimate: estimateWords } = createExtractiveModel();

/** Every model bounds by bytes but the one that counts words. */
export const estimatePrompt: EstimateTokens = (modelId, prompt) =>
  modelId === EXTRACTIVE ? estimateWords(prompt) : estimateTokens(prompt);
