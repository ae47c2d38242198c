/** What a model is asked, made of the state and the agent's definition alone. Pure: a replay comes to the same text. */
import { z } from 'zod';
import type { JsonValue, ModelPrompt, ModelTool } from '../../connectors/models/language/language-model.ts';
import { escapeOutsidePassages, renderPassages } from '../../connectors/models/language/passages.ts';
import type { AgentDefinition, ToolDefinition } from '../../schemas/agent-definition.ts';
import type { ExecutionState } from './execution-state.ts';

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

/** The question with what was retrieved for it, then everything said since. */
export const promptOf = (
  state: ExecutionState,
  agent: AgentDefinition,
  maxOutputTokens: number,
): ModelPrompt => {
  const question = escapeOutsidePassages(state.input?.text ?? '');
  const passages = renderPassages(state.retrieved ?? []);
  const tools = (agent.tools ?? []).map(modelToolOf);
  return {
    system: agent.instructions,
    messages: [
      { role: 'user', content: passages === '' ? question : `${question}\n\n${passages}` },
      ...state.messages,
    ],
    ...(tools.length > 0 ? { tools } : {}),
    maxOutputTokens,
  };
};
