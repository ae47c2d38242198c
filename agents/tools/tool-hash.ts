import type { ToolDefinition } from '../../schemas/agent-definition.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { madeOnce } from '../../schemas/made-once.ts';
import { modelToolOf } from '../runtime/prompt.ts';

/** What a tool is known by: sha256 of its name, description and JSON Schema of arguments, in hexadecimal. */
export const toolHashOf = madeOnce((tool: ToolDefinition): string => {
  const { name, description, parameters } = modelToolOf(tool);
  return hashOf({ name, description, inputSchema: parameters });
});
