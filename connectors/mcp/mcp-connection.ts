/**
 * A connection to one MCP server: opened by the first question, opened again by the next one after it was lost, never by
 * itself. Names the SDK, and is all that does beside the transports.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  StreamableHTTPClientTransport,
  StreamableHTTPError,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolResultSchema,
  ErrorCode,
  McpError,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { requestTo } from '../../schemas/bare-address.ts';
import { LONGEST_TIMER_MS } from '../../schemas/clock.ts';
import { FreshetError, hasCode, OutcomeUnknown, toError } from '../../schemas/errors.ts';
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
  /** Made once, whatever becomes of it. Errors: `unavailable` (an OutcomeUnknown once it may have arrived), `request-invalid` (the server refused the call). */
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
  /** Calls of tools under way. */
  readonly calls: Set<AbortSignal>;
  /** Rises with each answer. */
  heard: number;
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
    const open: Open = { client, broken: null, asked: false, calls: new Set(), heard: 0 };
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
      // The SDK leaves a request waiting whose stream was cut: closing ends it. A cut listening stream does not come here.
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
      void look(open, signal);
      return error;
    }
    // A list that took too long: calls may have more time.
    if (isTimeout(error) && open.calls.size > 0) {
      void look(open, signal);
      return lost(error.message, error);
    }
    if (error instanceof McpError && error.code !== ErrorCode.ConnectionClosed && !isTimeout(error)) {
      open.heard += 1;
      return new FreshetError('request-invalid', `the MCP server ${place} refused: ${error.message}`, {
        cause: error,
      });
    }
    const why = open.broken ?? error.message;
    await drop(open);
    return lost(open.broken ?? why, error);
  };

  /**
   * Whoever gave up may have had too little time, or the server hangs: one that does not answer to its own protocol's question either
   * would be waited for by every call, for ever, where their times are short. One that works on one thing at a time says nothing
   * meanwhile: what was under way as it was asked has its time first.
   */
  const look = async (open: Open, gaveUp: AbortSignal): Promise<void> => {
    if (open.asked || current !== open) return;
    open.asked = true;
    const { heard } = open;
    const others = [...open.calls].filter((call) => call !== gaveUp);
    try {
      for (;;) {
        const answered = await isThere(open);
        if (answered || current !== open || open.heard > heard) return;
        if (!others.some((call) => open.calls.has(call))) break;
        await sleep(timeoutMs, undefined, { ref: false });
      }
      open.broken ??= `it has not answered for ${timeoutMs} ms`;
      await drop(open);
    } finally {
      open.asked = false;
    }
  };

  /** Whether it answers, be it that it knows no such question. */
  const isThere = async (open: Open): Promise<boolean> => {
    try {
      await open.client.ping({ timeout: timeoutMs });
      return true;
    } catch (thrown) {
      return thrown instanceof StreamableHTTPError || (thrown instanceof McpError && !isTimeout(thrown));
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
        open.heard += 1;
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
        const again = had && before === generation && hasCode(error, 'unavailable');
        if (!again || signal.aborted) throw error;
        return listOnce(signal);
      }
    },
    callTool: async (name, input, { signal, idempotencyKey, traceparent }) => {
      const open = await connected();
      open.calls.add(signal);
      try {
        const meta = {
          [MCP_IDEMPOTENCY_KEY]: idempotencyKey,
          ...(traceparent === undefined ? {} : { [TRACEPARENT]: traceparent }),
        };
        const params = { name, arguments: { ...input }, _meta: meta };
        const limits = { signal, timeout: NO_LIMIT_MS };
        // Not `client.callTool`: it holds outputs against schemas that the server may change, and that are not pinned.
        const result = await open.client.request(
          { method: 'tools/call', params },
          CallToolResultSchema,
          limits,
        );
        open.heard += 1;
        return answerOf(result);
      } catch (thrown) {
        const failure = await failureOf(thrown, open, signal);
        // Lost after it was sent: the server may have done it.
        throw hasCode(failure, 'unavailable') && !neverArrived(toError(thrown))
          ? new OutcomeUnknown(failure.code, failure.message, { cause: failure })
          : failure;
      } finally {
        open.calls.delete(signal);
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

/** Nobody listens, or whoever does knows the session no more, as after a restart: the call was not begun. */
const neverArrived = (error: Error): boolean =>
  (error instanceof StreamableHTTPError && error.code === 404) ||
  (error.cause as { readonly code?: unknown } | undefined)?.code === 'ECONNREFUSED';

const isTimeout = (error: Error): boolean =>
  error instanceof McpError && error.code === ErrorCode.RequestTimeout;

const transportOf = (
  server: McpServer,
  maxMessage: number,
  onOverflow: (error: Error) => void,
): { readonly transport: Transport; readonly lastWords: () => string } => {
  if (server.kind === 'stdio') {
    const transport = createStdioTransport(server, maxMessage);
    return { transport, lastWords: transport.lastWords };
  }
  const { url, headers: access } = requestTo(server.url);
  const headers = new Headers(access);
  for (const [name, value] of Object.entries(server.headers ?? {})) headers.set(name, value);
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: boundedFetch(maxMessage, onOverflow),
    requestInit: { headers },
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
