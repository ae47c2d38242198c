import { TRACEPARENT } from '../../../schemas/trace-context.ts';
import { wellFormed } from '../../../schemas/well-formed.ts';
import { estimateTokens } from './estimate-tokens.ts';
import type {
  FinishReason,
  LanguageModel,
  ModelMessage,
  ModelPrice,
  ModelReply,
  ModelRequest,
  ToolCall,
} from './language-model.ts';
import { type CallLimits, type CallProgress, checkLength, runModelCall } from './model-call.ts';
import { type OllamaLine, parseOllamaLine } from './ollama-line.ts';
import { readLines } from './read-lines.ts';
import { toldCall } from './whole-call.ts';

export type OllamaOptions = CallLimits & {
  /** Up to and without `/api/chat`. Default `http://127.0.0.1:11434`. */
  readonly baseUrl?: string | undefined;
  readonly model: string;
  readonly price: ModelPrice;
  /** Sent as `num_ctx`: the server cuts what is over its own default silently. Default 8,192. */
  readonly contextTokens?: number | undefined;
};

const BASE_URL = 'http://127.0.0.1:11434';
const CONTEXT_TOKENS = 8_192;
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;

/**
 * A model of an Ollama server: POST {baseUrl}/api/chat, answered by one JSON object a line. Tool calls come whole, and
 * without an id from older servers: then they get one. Not retried.
 */
export const createOllamaModel = (options: OllamaOptions): LanguageModel => {
  const contextTokens = options.contextTokens ?? CONTEXT_TOKENS;
  const url = `${(options.baseUrl ?? BASE_URL).replace(/\/+$/, '')}/api/chat`;
  return {
    id: `ollama/${options.model}`,
    provider: 'ollama',
    price: options.price,
    contextTokens,
    estimate: estimateTokens,
    generate: (request) =>
      runModelCall({ ...options, secret: '' }, request, async (progress) => {
        const body = JSON.stringify({ model: options.model, ...bodyOf(request, contextTokens) });
        const { traceparent } = request;
        const headers = {
          'content-type': 'application/json',
          ...(traceparent === undefined ? {} : { [TRACEPARENT]: traceparent }),
        };
        const response = await fetch(url, { method: 'POST', headers, body, signal: progress.signal });
        if (!response.ok || !response.body) throw await refusalOf(response);
        progress.reached('responded');
        return collect(readLines(response.body, MAX_LINE_CHARACTERS), request, progress);
      }),
  };
};

const bodyOf = (request: ModelRequest, contextTokens: number) => ({
  stream: true,
  messages: [
    ...(request.system === '' ? [] : [{ role: 'system', content: request.system }]),
    ...request.messages.map(toOllamaMessage),
  ],
  options: {
    num_ctx: contextTokens,
    num_predict: request.maxOutputTokens,
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
  },
  ...(request.tools === undefined || request.tools.length === 0
    ? {}
    : { tools: request.tools.map((tool) => ({ type: 'function', function: tool })) }),
});

const toOllamaMessage = (message: ModelMessage) => {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: wellFormed(message.content) };
    case 'assistant':
      return {
        role: 'assistant',
        content: wellFormed(message.content),
        ...(message.toolCalls?.length
          ? {
              tool_calls: message.toolCalls.map(toldCall).map(({ id, name, arguments: given }) => ({
                id,
                function: { name, arguments: given },
              })),
            }
          : {}),
      };
    case 'tool':
      return {
        role: 'tool',
        tool_call_id: wellFormed(message.toolCallId),
        tool_name: wellFormed(message.toolName),
        content: wellFormed(message.content),
      };
    default:
      return message satisfies never;
  }
};

/** An error with the fields that the classification of failures reads. */
const refusalOf = async (response: Response): Promise<Error> => {
  const text = (await response.text()).slice(0, 2_000);
  return Object.assign(new Error(errorIn(text) ?? text), {
    statusCode: response.status,
    responseHeaders: Object.fromEntries(response.headers),
    responseBody: text,
  });
};

const errorIn = (text: string): string | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'error' in value ? String(value.error) : null;
  } catch {
    return null;
  }
};

const collect = async (
  lines: AsyncIterable<string>,
  request: ModelRequest,
  progress: CallProgress,
): Promise<ModelReply> => {
  let text = '';
  const toolCalls: ToolCall[] = [];
  let last: OllamaLine | null = null;
  let characters = 0;
  for await (const line of lines) {
    const part = parseOllamaLine(line);
    progress.reached('answering');
    characters += part.text.length + (part.toolCalls.length > 0 ? line.length : 0);
    checkLength(characters);
    if (part.error !== null) throw new Error(part.error);
    if (part.text !== '') {
      text += part.text;
      request.onChunk?.({ type: 'text', text: part.text });
    }
    for (const { id, name, arguments: given } of part.toolCalls) {
      const call = {
        id: id ?? `call_${request.messages.length}_${toolCalls.length}`,
        name,
        arguments: given,
      };
      toolCalls.push(call);
      request.onChunk?.({ type: 'tool-call', name, arguments: given });
    }
    if (part.done) last = part;
  }
  if (last === null) throw new Error('the stream ended before it was done');
  return { text, toolCalls, finishReason: finishOf(last, toolCalls), usage: usageOf(last, request) };
};

const finishOf = ({ doneReason }: OllamaLine, toolCalls: readonly ToolCall[]): FinishReason => {
  if (doneReason === 'length') return 'length';
  if (toolCalls.length > 0) return 'tool-calls';
  return doneReason === 'stop' || doneReason === null ? 'stop' : 'other';
};

const usageOf = ({ promptTokens, outputTokens }: OllamaLine, request: ModelRequest) =>
  promptTokens === null || outputTokens === null
    ? { ...estimateTokens(request), cachedInputTokens: 0, reported: false }
    : { inputTokens: promptTokens, outputTokens, cachedInputTokens: 0, reported: true };
