import { bareAddress } from '../../schemas/bare-address.ts';

/** Where an MCP server is found: a process that is started and spoken to over its pipes, or an address. */
export type McpServer =
  | {
      readonly kind: 'stdio';
      readonly command: string;
      readonly args?: readonly string[];
      readonly cwd?: string;
      /** Beside HOME, PATH and their like: a server sees nothing else of this process's environment. */
      readonly environment?: Readonly<Record<string, string>>;
    }
  | {
      /** Streamable HTTP. */
      readonly kind: 'http';
      readonly url: string;
      /** With each request, such as a credential. */
      readonly headers?: Readonly<Record<string, string>>;
    };

/** In the `_meta` of a call: the same key is the same call, for a server that honours it. */
export const MCP_IDEMPOTENCY_KEY = 'freshet/idempotencyKey';

/** A server in an error message, which a model reads: without what may be secret, its arguments among it. */
export const nameOfServer = (server: McpServer): string =>
  server.kind === 'http' ? bareAddress(server.url) : server.command.slice(0, 200);
