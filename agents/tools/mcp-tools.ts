/**
 * Tools of an MCP server as tools of an agent. What a model is shown comes from the pins alone, and a tool that its server
 * describes otherwise is refused, at start and at a call, so a server cannot slip new instructions or arguments in. What
 * a tool may do (read or write) is our configuration's word, never the server's.
 */
import { z } from 'zod';
import { compileJsonSchema } from '../../connectors/mcp/json-schema-check.ts';
import {
  type McpAnswer,
  type McpConnection,
  openMcpConnection,
} from '../../connectors/mcp/mcp-connection.ts';
import { type McpServer, nameOfServer } from '../../connectors/mcp/mcp-server.ts';
import type { ToolContext, ToolDefinition } from '../../schemas/agent-definition.ts';
import {
  type ErrorCode,
  FreshetError,
  hasCode,
  OutcomeUnknown,
  toFreshetError,
} from '../../schemas/errors.ts';
import { type McpPin, type McpPins, mcpToolHash } from './mcp-pins.ts';

/** What the configuration says of a tool beside its pin. Left out: it reads. */
export type McpToolTerms = Partial<
  Omit<
    ToolDefinition,
    'name' | 'description' | 'arguments' | 'fetch' | 'execute' | 'compensate' | 'compensateUsd'
  >
>;

export interface McpToolsSettings {
  readonly server: McpServer;
  /** From mcpPinsOf. A tool without one is not offered. */
  readonly pins: McpPins;
  /** By the server's name of the tool. */
  readonly terms?: Readonly<Record<string, McpToolTerms>>;
  /** Put before each name, where two servers have tools of one name. */
  readonly prefix?: string;
  /** Characters of one output; a longer one is a failure. Default 64 Ki. */
  readonly maxOutputCharacters?: number;
  /** How old the server's list of tools may be at a call, milliseconds; 0: asked for before each. Default 1,000. */
  readonly recheckMs?: number;
}

/** The part of a server that its tools share. */
interface Served {
  readonly connection: McpConnection;
  /** Resolves to what the server offers now: hashes by tool. Errors: `unavailable`, `request-invalid`. */
  readonly offered: (signal: AbortSignal, maxAgeMs: number) => Promise<ReadonlyMap<string, string>>;
  readonly pins: McpPins;
  readonly place: string;
}

const MAX_OUTPUT_CHARACTERS = 64 * 1024;
const RECHECK_MS = 1_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Beside the output itself: JSON escapes and the envelope. A character is at most six of JSON. */
const MESSAGE_PER_OUTPUT = 6;
const MESSAGE_BESIDE = 64 * 1024;
/** A server's list of tools is one message too. */
const MIN_MESSAGE = 1024 * 1024;

const servedBy = new WeakMap<ToolDefinition, Served>();

/**
 * The pinned tools, as definitions. Connects to nothing: the first call does, or verifyMcpTools. Errors: `config-invalid`
 * for a pin whose hash is not that of its description and schema, or whose schema cannot be used.
 */
export const mcpTools = (settings: McpToolsSettings): readonly ToolDefinition[] => {
  const maxOutput = settings.maxOutputCharacters ?? MAX_OUTPUT_CHARACTERS;
  const served = serve(settings, Math.max(MIN_MESSAGE, maxOutput * MESSAGE_PER_OUTPUT + MESSAGE_BESIDE));
  const recheckMs = settings.recheckMs ?? RECHECK_MS;
  for (const name of Object.keys(settings.terms ?? {})) {
    if (!Object.hasOwn(settings.pins, name))
      throw new FreshetError('config-invalid', `terms name the MCP tool ${name}, which has no pin`);
  }
  return Object.entries(settings.pins).map(([name, pin]) => {
    const own = mcpToolHash({ name, ...pin });
    if (own !== pin.hash) throw changed('config-invalid', name, 'its own pin file', pin.hash, own);
    const tool: ToolDefinition = {
      effect: 'read',
      ...settings.terms?.[name],
      name: `${settings.prefix ?? ''}${name}`,
      description: pin.description,
      arguments: argumentsOf(pin),
      execute: async (input, context) => {
        const attempt = async (maxAgeMs: number): Promise<McpAnswer> => {
          checkOffer(served, name, await served.offered(context.signal, maxAgeMs), 'forbidden');
          return call(served.connection, name, input, context);
        };
        const answer = await attempt(recheckMs).catch((error: unknown) => {
          // A server that was started again knows the session no more, and may offer something else.
          if (!neverBegan(error) || context.signal.aborted) throw error;
          return attempt(0);
        });
        return outputOf(answer, name, maxOutput);
      },
    };
    servedBy.set(tool, served);
    return tool;
  });
};

/**
 * Holds tools of MCP servers against what the servers offer now; others are passed over. Gives a line for each server
 * that could not be asked: its tools fail until it can. Errors: `config-invalid` for a tool that is not as pinned.
 */
export const verifyMcpTools = async (
  tools: readonly ToolDefinition[],
  signal: AbortSignal = AbortSignal.timeout(2 * CONNECT_TIMEOUT_MS),
): Promise<readonly string[]> => {
  const unreachable: string[] = [];
  await Promise.all(
    [...serversOf(tools)].map(async (served) => {
      let offers: ReadonlyMap<string, string>;
      try {
        offers = await served.offered(signal, 0);
      } catch (error) {
        unreachable.push(toFreshetError(error).message);
        return;
      }
      for (const name of Object.keys(served.pins)) checkOffer(served, name, offers, 'config-invalid');
    }),
  );
  return unreachable;
};

/** Ends the connections behind tools of MCP servers, and the processes behind those. */
export const closeMcpTools = async (tools: readonly ToolDefinition[]): Promise<void> => {
  await Promise.all([...serversOf(tools)].map(({ connection }) => connection.close()));
};

const serversOf = (tools: readonly ToolDefinition[]): ReadonlySet<Served> =>
  new Set(tools.flatMap((tool) => servedBy.get(tool) ?? []));

const serve = ({ server, pins }: McpToolsSettings, maxMessage: number): Served => {
  const connection = openMcpConnection({ server, maxMessage, timeoutMs: CONNECT_TIMEOUT_MS });
  let known: { readonly offers: ReadonlyMap<string, string>; at: number; generation: number } | undefined;
  return {
    connection,
    pins,
    place: nameOfServer(server),
    offered: async (signal, maxAgeMs) => {
      const at = performance.now();
      if (known && known.generation === connection.generation() && at - known.at < maxAgeMs)
        return known.offers;
      // Before the list: what the server says of a change meanwhile makes it old at once.
      const generation = connection.generation();
      const list = await connection.listTools(signal);
      const offers = new Map(list.map((offer) => [offer.name, mcpToolHash(offer)]));
      known = { offers, at, generation };
      return offers;
    },
  };
};

const checkOffer = (
  served: Served,
  name: string,
  offers: ReadonlyMap<string, string>,
  code: ErrorCode,
): void => {
  const pinned = served.pins[name]?.hash ?? '';
  const offered = offers.get(name);
  if (offered === undefined)
    throw new FreshetError(
      code,
      `the MCP server ${served.place} offers no tool ${name} any more: take its pin out`,
    );
  if (offered !== pinned) throw changed(code, name, `the MCP server ${served.place}`, pinned, offered);
};

const changed = (code: ErrorCode, name: string, by: string, pinned: string, found: string): FreshetError =>
  new FreshetError(
    code,
    `the MCP tool ${name} is not what was approved: pinned as ${pinned}, ${by} now has ${found}; read what changed, then pin it anew`,
    { details: { tool: name, pinned, found } },
  );

/** Shows a model the pinned schema, and holds arguments against it. */
const argumentsOf = ({ inputSchema }: McpPin): z.ZodType => {
  const check = compileJsonSchema(inputSchema);
  const schema = z.custom<unknown>((value) => check(value) === null, {
    error: ({ input }) => check(input) ?? 'it does not fit',
  });
  schema._zod.toJSONSchema = () => ({ ...inputSchema });
  return schema;
};

const call = (
  connection: McpConnection,
  name: string,
  input: unknown,
  { signal, idempotencyKey, traceparent }: ToolContext,
): Promise<McpAnswer> => {
  const given = typeof input === 'object' && input !== null ? { ...input } : {};
  return connection.callTool(name, given, { signal, idempotencyKey, traceparent });
};

const neverBegan = (error: unknown): boolean =>
  hasCode(error, 'unavailable') && !(error instanceof OutcomeUnknown);

const outputOf = (answer: McpAnswer, name: string, maxOutput: number): unknown => {
  const text = answer.texts.join('\n');
  if (answer.isError)
    throw new FreshetError(
      'tool-declined',
      `the MCP tool ${name} failed: ${text.slice(0, 400) || 'it does not say why'}`,
    );
  const output = answer.structured ?? text;
  const { length } = typeof output === 'string' ? output : JSON.stringify(output);
  if (length > maxOutput)
    throw new OutcomeUnknown(
      'request-too-large',
      `the MCP tool ${name} answered ${length} characters, over ${maxOutput}: ask it for less`,
    );
  return output;
};
