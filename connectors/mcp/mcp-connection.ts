/**
 * A connection to one MCP server: opened by the first question, opened again by the next one after it was lost, never by
 * itself. Names the SDK, and is all that does beside the transports.
 */

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolResultSchema,
  ErrorCode,
  McpError,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { LONGEST_TIMER_MS } from '../../schemas/clock.ts';
import { FreshetError, OutcomeUnknown, toError } from '../../schemas/errors.ts';
import { TRACEPARENT } from '../../schemas/trace-context.ts';
import { boundedFetch } from './bounded-fetch.ts';
import { MCP_IDEMPOTENCY_KEY, type McpServer, nameOfServer } from './mcp-server.ts';
import { createStdioTransport } from './stdio-transport.ts';

/** A tool as its server describes it. */
export interface McpToolOffer {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object schema. */
  readonly inputSchema: { readonly [key: string]: unknown };
}

export interface McpAnswer {
  readonly isError: boolean;
  readonly structured: { readonly [key: string]: unknown } | null;
  /** Texts as they are; what is no text is named, not carried. */
  readonly texts: readonly string[];
}

export interface McpConnection {
  /** All pages. Tries a lost connection once more. Errors: `unavailable`. */
  listTools(signal: AbortSignal): Promise<readonly McpToolOffer[]>;
  /** Made once, whatever becomes of it. Errors: `unavailable` (an OutcomeUnknown once it was sent), `request-invalid` (the server refused the call). */
  callTool(
    name: string,
    input: { readonly [key: string]: unknown },
    call: {
      readonly signal: AbortSignal;
      readonly idempotencyKey: string;
      /** Goes with the call as the protocol says: under `_meta`, whatever the transport. */
      readonly traceparent?: string;
    },
  ): Promise<McpAnswer>;
  /** Rises with each new connection, and when the server says that its tools have changed. */
  generation(): number;
  close(): Promise<void>;
}

export interface McpConnectionSettings {
  readonly server: McpServer;
  /** Characters or bytes of one message. */
  readonly maxMessage: number;
  /** For connecting, and for one page of the list of tools. Milliseconds. */
  readonly timeoutMs: number;
}

const MAX_PAGES = 20;
/** The caller's signal ends a call; the SDK's own limit must not come before it. */
const NO_LIMIT_MS = LONGEST_TIMER_MS;

interface Open {
  readonly client: Client;
  /** Why it broke, where that is known. */
  broken: string | null;
  /** It is being asked whether it is still there. */
  asked: boolean;
}

export const openMcpConnection = ({
  server,
  maxMessage,
  timeoutMs,
}: McpConnectionSettings): McpConnection => {
  const place = nameOfServer(server);
  let opening: Promise<Open> | undefined;
  let generation = 0;
  let closed = false;

  const connect = async (): Promise<Open> => {
    const client = new Client({ name: 'freshet', version: '0.1.0' }, { capabilities: {} });
    const open: Open = { client, broken: null, asked: false };
    const { transport, lastWords } = transportOf(server, maxMessage, (error) => {
      open.broken = error.message;
      void drop(open);
    });
    client.onclose = () => {
      open.broken ??= lastWords() || 'it closed the connection';
      if (current === open) forget();
    };
    client.onerror = (error) => {
      if (/message of over/.test(error.message)) open.broken = error.message;
      // The SDK leaves a request waiting whose stream was cut: closing ends it.
      if (/SSE stream disconnected/.test(error.message)) {
        open.broken ??= 'the connection was cut';
        void drop(open);
      }
    };
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      generation += 1;
    });
    try {
      await client.connect(transport, { timeout: timeoutMs });
    } catch (thrown) {
      await client.close().catch(() => undefined);
      throw lost(open.broken ?? (lastWords() || toError(thrown).message), thrown);
    }
    generation += 1;
    current = open;
    return open;
  };

  let current: Open | undefined;
  const forget = (): void => {
    current = undefined;
    opening = undefined;
  };
  const drop = async (open: Open): Promise<void> => {
    if (current === open) forget();
    await open.client.close().catch(() => undefined);
  };

  const lost = (why: string, cause: unknown): FreshetError =>
    new FreshetError('unavailable', `the MCP server ${place} does not answer: ${why}`, { cause });

  /** One connection for all who ask at a time; a failed attempt is forgotten, so the next question tries again. */
  const connected = (): Promise<Open> => {
    if (closed) return Promise.reject(lost('it was closed', null));
    opening ??= connect().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };

  /** What went wrong, in our words. Whatever is no answer of the server's means that the connection is not to be trusted. */
  const failureOf = async (thrown: unknown, open: Open, signal: AbortSignal): Promise<Error> => {
    const error = toError(thrown);
    if (signal.aborted) {
      void look(open);
      return error;
    }
    if (
      error instanceof McpError &&
      ![ErrorCode.ConnectionClosed, ErrorCode.RequestTimeout].includes(error.code)
    )
      return new FreshetError('request-invalid', `the MCP server ${place} refused: ${error.message}`, {
        cause: error,
      });
    const why = open.broken ?? error.message;
    await drop(open);
    return lost(open.broken ?? why, error);
  };

  /**
   * Whoever gave up may have had too little time, or the server hangs: one that does not answer to its own protocol's question either
   * would be waited for by every call, for ever, where their times are short.
   */
  const look = async (open: Open): Promise<void> => {
    if (open.asked || current !== open) return;
    open.asked = true;
    try {
      await open.client.ping({ timeout: timeoutMs });
    } catch (thrown) {
      // An answer, be it that it knows no such question.
      const answered = thrown instanceof McpError && thrown.code !== ErrorCode.RequestTimeout;
      if (answered || current !== open) return;
      open.broken ??= `it has not answered for ${timeoutMs} ms`;
      await drop(open);
    } finally {
      open.asked = false;
    }
  };

  const listOnce = async (signal: AbortSignal): Promise<readonly McpToolOffer[]> => {
    const open = await connected();
    try {
      const offers: McpToolOffer[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const answer = await open.client.listTools(cursor === undefined ? {} : { cursor }, {
          signal,
          timeout: timeoutMs,
        });
        for (const { name, description = '', inputSchema } of answer.tools)
          offers.push({ name, description, inputSchema });
        cursor = answer.nextCursor;
        if (cursor === undefined) break;
      }
      return offers;
    } catch (thrown) {
      throw await failureOf(thrown, open, signal);
    }
  };

  return {
    listTools: async (signal) => {
      const before = generation;
      const had = current !== undefined;
      try {
        return await listOnce(signal);
      } catch (error) {
        // A connection that was open may have been lost long ago, with the server up again.
        const again =
          had && before === generation && error instanceof FreshetError && error.code === 'unavailable';
        if (!again || signal.aborted) throw error;
        return listOnce(signal);
      }
    },
    callTool: async (name, input, { signal, idempotencyKey, traceparent }) => {
      const open = await connected();
      try {
        const meta = {
          [MCP_IDEMPOTENCY_KEY]: idempotencyKey,
          ...(traceparent === undefined ? {} : { [TRACEPARENT]: traceparent }),
        };
        const params = { name, arguments: { ...input }, _meta: meta };
        const limits = { signal, timeout: NO_LIMIT_MS };
        // Not `client.callTool`: it holds outputs against schemas that the server may change, and that are not pinned.
        return answerOf(
          await open.client.request({ method: 'tools/call', params }, CallToolResultSchema, limits),
        );
      } catch (thrown) {
        const failure = await failureOf(thrown, open, signal);
        // Lost after it was sent: the server may have done it.
        throw failure instanceof FreshetError && failure.code === 'unavailable'
          ? new OutcomeUnknown(failure.code, failure.message, { cause: failure })
          : failure;
      }
    },
    generation: () => generation,
    close: async () => {
      closed = true;
      const open = await opening?.catch(() => undefined);
      if (open) await drop(open);
    },
  };
};

const transportOf = (
  server: McpServer,
  maxMessage: number,
  onOverflow: (error: Error) => void,
): { readonly transport: Transport; readonly lastWords: () => string } => {
  if (server.kind === 'stdio') {
    const transport = createStdioTransport(server, maxMessage);
    return { transport, lastWords: transport.lastWords };
  }
  const transport = new StreamableHTTPClientTransport(new URL(server.url), {
    fetch: boundedFetch(maxMessage, onOverflow),
    requestInit: { headers: { ...server.headers } },
  });
  return { transport: transport as Transport, lastWords: () => '' };
};

const answerOf = (result: {
  readonly isError?: boolean | undefined;
  readonly structuredContent?: { readonly [key: string]: unknown } | undefined;
  readonly content: readonly ({ readonly type: string } & { readonly [key: string]: unknown })[];
}): McpAnswer => ({
  isError: result.isError === true,
  structured: result.structuredContent ?? null,
  texts: result.content.map((part) =>
    part.type === 'text' && typeof part.text === 'string'
      ? part.text
      : `[${part.type}${typeof part.mimeType === 'string' ? ` ${part.mimeType}` : ''}: left out]`,
  ),
});
