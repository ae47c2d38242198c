/** What a model is asked, made of the state and the agent's definition alone. Pure: a replay comes to the same text. */
import { z } from 'zod';
import type {
  JsonValue,
  ModelMessage,
  ModelPrompt,
  ModelTool,
} from '../../connectors/models/language/language-model.ts';
import { escapeOutsidePassages, renderPassages } from '../../connectors/models/language/passages.ts';
import { renderRecollection } from '../../connectors/models/language/render-recollection.ts';
import type { AgentDefinition, ToolDefinition } from '../../schemas/agent-definition.ts';
import { madeOnce } from '../../schemas/made-once.ts';
import type { Recollection } from '../../schemas/recollection.ts';
import { type FittedPrompt, fitPrompt } from '../context/fit-prompt.ts';
import { likelyTokens } from '../context/prompt-tokens.ts';
import type { ExecutionState } from './execution-state.ts';
import type { RunTerms } from './run-terms.ts';

/** A tool as models see it. Throws where its argument schema cannot be said in JSON Schema. */
export const modelToolOf = madeOnce((tool: ToolDefinition): ModelTool => {
  const { $schema: _, ...parameters } = z.toJSONSchema(tool.arguments, { io: 'input' });
  return {
    name: tool.name,
    description: tool.description,
    parameters: parameters as { readonly [key: string]: JsonValue },
  };
});

/** What is said to a model of the shape its answer must have. */
const outputInstruction = madeOnce((schema: z.ZodType): string => {
  const { $schema: _, ...shape } = z.toJSONSchema(schema);
  return `\n\nYour last message must be JSON only, without any text around it, that fits this JSON Schema:\n${JSON.stringify(shape)}`;
});

const modelToolsOf = madeOnce((agent: AgentDefinition) => (agent.tools ?? []).map(modelToolOf));

const asked = new WeakMap<object, ModelMessage>();

/** What an execution begins from, as one message. Made once for all steps, and so hashed once. */
const firstMessageOf = (state: ExecutionState): ModelMessage => {
  const { input, retrieved, recollection } = state;
  const key = retrieved ?? recollection ?? input;
  const known = typeof key === 'object' && key !== null ? asked.get(key) : undefined;
  if (known) return known;
  const blocks = [questionOf(state), renderPassages(retrieved ?? [])];
  const message: ModelMessage = {
    role: 'user',
    content: blocks.filter((block) => block !== '').join('\n\n'),
  };
  if (typeof key === 'object' && key !== null) asked.set(key, message);
  return message;
};

/** What memory held, then the question: memories are data of before, and the question is what counts. */
const questionOf = ({ input, recollection }: ExecutionState): string => {
  const memories = recollection === null ? '' : renderRecollection(recollection as unknown as Recollection);
  return [memories, escapeOutsidePassages(input?.text ?? '')].filter((block) => block !== '').join('\n\n');
};

const charactersOf = madeOnce((message: ModelMessage): number => {
  if (message.role !== 'assistant') return message.content.length;
  const { content, toolCalls = [], thinking = null } = message;
  return content.length + JSON.stringify(toolCalls).length + JSON.stringify(thinking).length;
});
const charactersOfTools = madeOnce((tools: readonly ModelTool[]): number => JSON.stringify(tools).length);

/** No text has more tokens than bytes, and no character more than three: below that, everything fits. */
const surelyFits = (
  { system, messages, tools, maxOutputTokens }: ModelPrompt,
  contextTokens: number,
): boolean => {
  let characters = system.length + (tools ? charactersOfTools(tools) : 0);
  for (const message of messages) characters += charactersOf(message) + SAFE_PER_MESSAGE;
  return 3 * characters + maxOutputTokens < contextTokens;
};
const SAFE_PER_MESSAGE = 64;

/** What of it decisions go by. */
export type FittedPromptOf = Pick<FittedPrompt, 'prompt' | 'latestShown'>;

/**
 * The question with what was retrieved for it and what memory held, then everything said since: all of it, or what fits into
 * the model's window (fit-prompt.ts).
 */
export const promptOf = (
  state: ExecutionState,
  agent: AgentDefinition,
  { limits }: RunTerms,
  contextTokens: number,
): FittedPromptOf => {
  const tools = modelToolsOf(agent);
  const system = agent.output ? agent.instructions + outputInstruction(agent.output) : agent.instructions;
  const whole: ModelPrompt = {
    system,
    messages: [firstMessageOf(state), ...state.messages],
    ...(tools.length > 0 ? { tools } : {}),
    maxOutputTokens: limits.maxOutputTokens,
  };
  if (surelyFits(whole, contextTokens)) return { prompt: whole, latestShown: true };
  const parts = {
    system,
    question: questionOf(state),
    passages: state.retrieved ?? [],
    messages: state.messages,
    tools,
  };
  return fitPrompt(parts, { contextTokens, maxOutputTokens: limits.maxOutputTokens }, likelyTokens);
};
