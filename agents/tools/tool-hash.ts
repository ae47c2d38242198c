import type { ToolDefinition } from '../../schemas/agent-definition.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { modelToolOf } from '../runtime/prompt.ts';

const hashes = new WeakMap<ToolDefinition, string>();

/** What a tool is known by: sha256 of its name, description and JSON Schema of arguments, in hexadecimal. */
export const toolHashOf = (tool: ToolDefinition): string => {
  const known = hashes.get(tool);
  if (known !== undefined) return known;
  const { name, description, parameters } = modelToolOf(tool);
  const hash = hashOf({ name, description, inputSchema: parameters });
  hashes.set(tool, hash);
  return hash;
};
