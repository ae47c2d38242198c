import type { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { wellFormed } from '../../../schemas/well-formed.ts';
import type {
  FinishReason,
  JsonValue,
  LanguageModel,
  ModelMessage,
  ModelPrompt,
  ModelReply,
  ModelRequest,
  TokenBounds,
  TokenUsage,
  ToolCall,
} from './language-model.ts';
import { checkLength } from './model-call.ts';
import { collectThinking, replyParts, type StreamedPart } from './thinking-blocks.ts';
import { isCount, isInputCount } from './token-count.ts';
import { isObject, toldCall } from './whole-call.ts';

/** A chat model of the AI SDK's provider interface, whoever's it is. */
export type ChatModel = ReturnType<ReturnType<typeof createOpenAICompatible>['chatModel']>;
type CallOptions = Parameters<ChatModel['doStream']>[0];
type ChatMessage = CallOptions['prompt'][number];
type StreamResult = Awaited<ReturnType<ChatModel['doStream']>>;

/** One part of the library's provider stream. */
export type ChatStreamPart = StreamResult['stream'] extends ReadableStream<infer Part> ? Part : never;
/** Settings that one provider alone knows. */
export type ProviderOptions = CallOptions['providerOptions'];
type FinishPart = Extract<ChatStreamPart, { type: 'finish' }>;

/**
 * A prompt in the library's terms. `thinker`: whose thinking may be sent back; null: nobody's. `prefixEnd`: settings of the last tool
 * and of the system text, where what every call of an agent begins with ends.
 */
export const toCallOptions = (
  prompt: ModelPrompt,
  thinker: string | null,
  prefixEnd?: ProviderOptions,
): CallOptions => ({
  prompt: [
    ...(prompt.system === ''
      ? []
      : [{ role: 'system' as const, content: prompt.system, ...providerOptionsOf(prefixEnd) }]),
    ...prompt.messages.map((message) => toChatMessage(message, thinker)),
  ],
  maxOutputTokens: prompt.maxOutputTokens,
  ...(prompt.temperature === undefined ? {} : { temperature: prompt.temperature }),
  ...(prompt.tools === undefined || prompt.tools.length === 0
    ? {}
    : {
        tools: prompt.tools.map((tool, at, { length }) => ({
          type: 'function' as const,
          name: tool.name,
          description: tool.description,
          inputSchema: tool.parameters,
          ...providerOptionsOf(at === length - 1 ? prefixEnd : undefined),
        })),
      }),
});

const providerOptionsOf = (providerOptions: ProviderOptions) =>
  providerOptions === undefined ? {} : { providerOptions };

const toChatMessage = (message: ModelMessage, thinker: string | null): ChatMessage => {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: [{ type: 'text', text: wellFormed(message.content) }] };
    case 'assistant':
      return {
        role: 'assistant',
        content: replyParts(message, thinker).map((part) => {
          switch (part.type) {
            case 'text':
              return { ...part, text: wellFormed(part.text) };
            case 'call': {
              const { id: toolCallId, name: toolName, arguments: input } = toldCall(part.call);
              return { type: 'tool-call', toolCallId, toolName, input };
            }
            case 'thinking': {
              const { block } = part;
              const [text, anthropic] =
                'signature' in block
                  ? [block.text, { signature: block.signature }]
                  : ['', { redactedData: block.redacted }];
              return { type: 'reasoning', text, providerOptions: { anthropic } };
            }
            default:
              return part satisfies never;
          }
        }),
      };
    case 'tool': {
      const output = { type: 'text' as const, value: wellFormed(message.content) };
      const [toolCallId, toolName] = [wellFormed(message.toolCallId), wellFormed(message.toolName)];
      return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName, output }] };
    }
  }
};

/**
 * Reads a provider stream to its end and passes chunks on as they come; thinking is kept and not shown. `estimate`: of the model, for
 * what the provider does not report.
 * @throws whatever the stream carries as an error, and Error when it ends without a finish, or does not end
 */
export const collectReply = async (
  stream: AsyncIterable<ChatStreamPart>,
  request: ModelRequest,
  { model, estimate }: { readonly model: string } & Pick<LanguageModel, 'estimate'>,
): Promise<ModelReply> => {
  let text = '';
  const toolCalls: ToolCall[] = [];
  const thought = collectThinking(model);
  let finish: FinishPart | null = null;
  let characters = 0;
  for await (const part of stream) {
    if ('delta' in part && typeof part.delta === 'string') characters += part.delta.length;
    checkLength(characters);
    thought.take(part as StreamedPart, text, toolCalls.length);
    if (part.type === 'text-delta' && part.delta !== '') {
      text += part.delta;
      request.onChunk?.({ type: 'text', text: part.delta });
    } else if (part.type === 'tool-call') {
      const call = { id: part.toolCallId, name: part.toolName, arguments: parseArguments(part.input) };
      toolCalls.push(call);
      request.onChunk?.({ type: 'tool-call', name: call.name, arguments: call.arguments });
    } else if (part.type === 'error') {
      throw part.error;
    } else if (part.type === 'finish') {
      finish = part;
    }
  }
  if (finish === null) throw new Error('the stream ended without a finish');
  const thinking = thought.thinking();
  const finishReason = toFinishReason(finish.finishReason.unified);
  return {
    text,
    toolCalls: WHOLE.has(finishReason) ? toolCalls : withoutLostArguments(toolCalls),
    finishReason,
    usage: toUsage(finish.usage, () => estimate(request)),
    ...(thinking ? { thinking } : {}),
  };
};

/** Of an answer that came to its end: any other was cut, or may have been. */
const WHOLE: ReadonlySet<FinishReason> = new Set(['stop', 'tool-calls']);

/**
 * An answer that was cut may have been cut before the arguments of its last call: they are none that the model gave, and a
 * schema whose fields have defaults would take them. Cut in between they are no JSON.
 */
const withoutLostArguments = (calls: readonly ToolCall[]): readonly ToolCall[] =>
  calls.map((call, at) =>
    at === calls.length - 1 && isObject(call.arguments) && Object.keys(call.arguments).length === 0
      ? { ...call, arguments: '' }
      : call,
  );

const parseArguments = (input: string): JsonValue => {
  if (input.trim() === '') return {};
  try {
    return JSON.parse(input) as JsonValue;
  } catch {
    return input;
  }
};

const toFinishReason = (unified: FinishPart['finishReason']['unified']): FinishReason =>
  unified === 'error' ? 'other' : unified;

const toUsage = (usage: FinishPart['usage'], bounds: () => TokenBounds): TokenUsage => {
  const { total: inputTokens, cacheRead, cacheWrite } = usage.inputTokens;
  const { total: outputTokens } = usage.outputTokens;
  if (!isInputCount(inputTokens) || !isCount(outputTokens)) {
    return { ...bounds(), cachedInputTokens: 0, reported: false };
  }
  return {
    ...{ inputTokens, outputTokens, cachedInputTokens: isCount(cacheRead) ? cacheRead : 0 },
    ...(isCount(cacheWrite) && cacheWrite > 0 ? { cacheWriteTokens: cacheWrite } : {}),
    reported: true,
  };
};
