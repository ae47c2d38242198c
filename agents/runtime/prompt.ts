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
import type { Recollection } from '../../schemas/recollection.ts';
import { fitPrompt } from '../context/fit-prompt.ts';
import { likelyTokens } from '../context/prompt-tokens.ts';
import type { ExecutionState } from './execution-state.ts';
import type { RunTerms } from './run-terms.ts';

/** What is never changed is weighed once, however many prompts it stands in. */
const weigher = <Of extends object>(weigh: (of: Of) => number): ((of: Of) => number) => {
  const weights = new WeakMap<Of, number>();
  return (of) => {
    const known = weights.get(of) ?? weigh(of);
    weights.set(of, known);
    return known;
  };
};

const modelTools = new WeakMap<ToolDefinition, ModelTool>();

/** A tool as models see it. Throws where its argument schema cannot be said in JSON Schema. */
export const modelToolOf = (tool: ToolDefinition): ModelTool => {
  const known = modelTools.get(tool);
  if (known) return known;
  const { $schema: _, ...parameters } = z.toJSONSchema(tool.arguments, { io: 'input' });
  const described: ModelTool = {
    name: tool.name,
    description: tool.description,
    parameters: parameters as { readonly [key: string]: JsonValue },
  };
  modelTools.set(tool, described);
  return described;
};

const outputSchemas = new WeakMap<z.ZodType, string>();

/** What is said to a model of the shape its answer must have. */
const outputInstruction = (schema: z.ZodType): string => {
  const known = outputSchemas.get(schema);
  if (known) return known;
  const { $schema: _, ...shape } = z.toJSONSchema(schema);
  const text = `\n\nYour last message must be JSON only, without any text around it, that fits this JSON Schema:\n${JSON.stringify(shape)}`;
  outputSchemas.set(schema, text);
  return text;
};

const modelToolLists = new WeakMap<AgentDefinition, readonly ModelTool[]>();

const modelToolsOf = (agent: AgentDefinition): readonly ModelTool[] => {
  const known = modelToolLists.get(agent);
  if (known) return known;
  const tools = (agent.tools ?? []).map(modelToolOf);
  modelToolLists.set(agent, tools);
  return tools;
};

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

const charactersOf = weigher((message: ModelMessage): number => {
  if (message.role !== 'assistant') return message.content.length;
  const { content, toolCalls = [], thinking = null } = message;
  return content.length + JSON.stringify(toolCalls).length + JSON.stringify(thinking).length;
});
const charactersOfTools = weigher((tools: readonly ModelTool[]): number => JSON.stringify(tools).length);

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

/**
 * The question with what was retrieved for it and what memory held, then everything said since: all of it, or what fits into
 * the model's window (fit-prompt.ts).
 */
export const promptOf = (
  state: ExecutionState,
  agent: AgentDefinition,
  { limits }: RunTerms,
  contextTokens: number,
): ModelPrompt => {
  const tools = modelToolsOf(agent);
  const system = agent.output ? agent.instructions + outputInstruction(agent.output) : agent.instructions;
  const whole: ModelPrompt = {
    system,
    messages: [firstMessageOf(state), ...state.messages],
    ...(tools.length > 0 ? { tools } : {}),
    maxOutputTokens: limits.maxOutputTokens,
  };
  if (surelyFits(whole, contextTokens)) return whole;
  const parts = {
    system,
    question: questionOf(state),
    passages: state.retrieved ?? [],
    messages: state.messages,
    tools,
  };
  return fitPrompt(parts, { contextTokens, maxOutputTokens: limits.maxOutputTokens }, likelyTokens).prompt;
};
