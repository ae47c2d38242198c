/** What a model is asked, made of the state and the agent's definition alone. Pure: a replay comes to the same text. */
import { z } from 'zod';
import type {
  JsonValue,
  ModelMessage,
  ModelPrompt,
  ModelTool,
} from '../../connectors/models/language/language-model.ts';
import { escapeOutsidePassages, renderPassages } from '../../connectors/models/language/passages.ts';
import type { AgentDefinition, ToolDefinition } from '../../schemas/agent-definition.ts';
import type { ExecutionState } from './execution-state.ts';
import type { RunTerms } from './run-terms.ts';

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

const questions = new WeakMap<object, ModelMessage>();

/** The same message for every step of an execution: made once, and hashed once. */
const questionOf = ({ input, retrieved }: ExecutionState): ModelMessage => {
  const key = retrieved ?? input;
  const known = key && questions.get(key);
  if (known) return known;
  const question = escapeOutsidePassages(input?.text ?? '');
  const passages = renderPassages(retrieved ?? []);
  const message: ModelMessage = {
    role: 'user',
    content: passages === '' ? question : `${question}\n\n${passages}`,
  };
  if (key) questions.set(key, message);
  return message;
};

/** The question with what was retrieved for it and what memory held, then everything said since. */
export const promptOf = (
  state: ExecutionState,
  agent: AgentDefinition,
  { limits }: RunTerms,
): ModelPrompt => {
  const tools = modelToolsOf(agent);
  return {
    system: agent.output ? agent.instructions + outputInstruction(agent.output) : agent.instructions,
    messages: [questionOf(state), ...state.messages],
    ...(tools.length > 0 ? { tools } : {}),
    maxOutputTokens: limits.maxOutputTokens,
  };
};
