import { TRACEPARENT } from '../../../schemas/trace-context.ts';
import {
  type ChatModel,
  type ChatStreamPart,
  collectReply,
  type ProviderOptions,
  toCallOptions,
} from './chat-stream.ts';
import type { LanguageModel, ModelReply, ModelRequest } from './language-model.ts';
import { type CallLimits, type CallProgress, runModelCall } from './model-call.ts';

/** One call through a provider of the AI SDK, streamed, its chunks passed on as they come. @throws ModelError */
export const streamChatModel = (
  chat: ChatModel,
  request: ModelRequest,
  settings: CallLimits & {
    readonly secret: string;
    readonly model: string;
    readonly estimate: LanguageModel['estimate'];
    /** It takes its thinking back. */
    readonly thinks?: boolean;
    readonly providerOptions?: ProviderOptions;
    /** Of the last tool and the system text. */
    readonly prefixEnd?: ProviderOptions;
  },
): Promise<ModelReply> =>
  runModelCall(settings, request, async (progress) => {
    const { model, estimate, thinks = false, providerOptions, prefixEnd } = settings;
    const { stream } = await chat.doStream({
      ...toCallOptions(request, thinks ? model : null, prefixEnd),
      ...(providerOptions === undefined ? {} : { providerOptions }),
      abortSignal: progress.signal,
      ...(request.traceparent === undefined ? {} : { headers: { [TRACEPARENT]: request.traceparent } }),
    });
    progress.reached('responded');
    return collectReply(noting(stream, progress), request, { model, estimate });
  });

/** The provider's first word of the answer itself is its metadata: what breaks after it broke off. */
async function* noting(stream: ReadableStream<ChatStreamPart>, progress: CallProgress) {
  let answering = false;
  for await (const part of stream) {
    answering ||= part.type === 'response-metadata';
    progress.reached(answering ? 'answering' : 'responded');
    yield part;
  }
}
