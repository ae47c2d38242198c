/** What tools of an MCP server are held to: their descriptions and schemas as somebody read and approved them. */

import type { McpToolOffer } from '../../connectors/mcp/mcp-connection.ts';
import { openMcpConnection } from '../../connectors/mcp/mcp-connection.ts';
import type { McpServer } from '../../connectors/mcp/mcp-server.ts';
import { hashOf } from '../../schemas/canonical-json.ts';

export interface McpPin {
  /** mcpToolHash of what follows. */
  readonly hash: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly inputSchema: { readonly [key: string]: unknown };
}

/** By the tool's name. JSON, to be kept beside the configuration. */
export type McpPins = Readonly<Record<string, McpPin>>;

const TIMEOUT_MS = 10_000;
const MAX_MESSAGE = 4 * 1024 * 1024;

/** sha256 of the canonical JSON of name, description and input schema, in hexadecimal. */
export const mcpToolHash = ({ name, description, inputSchema }: McpToolOffer): string =>
  hashOf({ name, description, inputSchema });

/**
 * The pins of everything a server offers now, for a person to read, cut down to what agents need, and keep:
 * `console.log(JSON.stringify(await mcpPinsOf(server), null, 2))`. Errors: `unavailable`, `request-invalid`.
 */
export const mcpPinsOf = async (server: McpServer): Promise<McpPins> => {
  const connection = openMcpConnection({ server, maxMessage: MAX_MESSAGE, timeoutMs: TIMEOUT_MS });
  try {
    const offers = await connection.listTools(AbortSignal.timeout(2 * TIMEOUT_MS));
    return Object.fromEntries(
      offers.map((offer) => {
        const { name, description, inputSchema } = offer;
        return [name, { hash: mcpToolHash(offer), description, inputSchema }];
      }),
    );
  } finally {
    await connection.close();
  }
};
