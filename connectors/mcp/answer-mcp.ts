/** An MCP server over Streamable HTTP without sessions: each request is answered by itself, as JSON, by whichever gateway it comes to. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';

type JsonObject = { readonly [key: string]: unknown };

export interface ServedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object schema. */
  readonly inputSchema: JsonObject;
  /** It changes nothing. */
  readonly reads: boolean;
}

export interface ToolAnswer {
  readonly isError: boolean;
  /** What a model reads. */
  readonly text: string;
  readonly structured: JsonObject;
}

/** Never throws what is a failure of the tool: that is an answer. `meta`: what the protocol carries beside the arguments. */
export type CallTool<Tool extends ServedTool> = (
  tool: Tool,
  input: JsonObject,
  meta: JsonObject,
) => Promise<ToolAnswer>;

export interface McpIdentity {
  readonly name: string;
  readonly version: string;
  /** For the model: what the tools are for. */
  readonly instructions: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Of the SDK's own, one would be made for each request. */
const jsonSchemaValidator = new AjvJsonSchemaValidator();

const serverOf = <Tool extends ServedTool>(
  { name, version, instructions }: McpIdentity,
  tools: readonly Tool[],
  call: CallTool<Tool>,
): Server => {
  const capabilities = { tools: {} };
  const server = new Server({ name, version }, { capabilities, instructions, jsonSchemaValidator });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: tools.map((tool) => ({
      name: tool.name,
      title: tool.title,
      description: tool.description,
      inputSchema: { ...tool.inputSchema, type: 'object' as const },
      annotations: {
        readOnlyHint: tool.reads,
        // What an agent does for a task is bound by its tools alone.
        destructiveHint: !tool.reads,
        openWorldHint: !tool.reads,
      },
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const tool = tools.find((each) => each.name === params.name);
    if (!tool)
      throw new McpError(
        ErrorCode.InvalidParams,
        `there is no tool ${params.name}; there are: ${tools.map((each) => each.name).join(', ')}`,
      );
    const { isError, text, structured } = await call(tool, params.arguments ?? {}, params._meta ?? {});
    return { isError, content: [{ type: 'text' as const, text }], structuredContent: { ...structured } };
  });
  return server;
};

/** Answers one POST whose body was read as JSON. */
export const answerMcp = async <Tool extends ServedTool>(
  identity: McpIdentity,
  tools: readonly Tool[],
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: unknown },
  call: CallTool<Tool>,
): Promise<HttpAnswer> => {
  const server = serverOf(identity, tools, call);
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport as Transport);
  try {
    const response = await transport.handleRequest(
      // Its address is nobody's: the body was read, and the server that read it has judged where it came from.
      new Request('http://localhost/mcp', { method: 'POST', headers: request.headers }),
      { parsedBody: request.body },
    );
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    };
  } finally {
    await server.close();
  }
};
