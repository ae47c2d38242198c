import { z } from 'zod';
import type { JsonValue } from './language-model.ts';
import { isCount, isInputCount } from './token-count.ts';

/** One line of an Ollama chat stream. */
export interface OllamaLine {
  readonly text: string;
  readonly toolCalls: readonly {
    readonly id: string | null;
    readonly name: string;
    readonly arguments: JsonValue;
  }[];
  readonly done: boolean;
  readonly doneReason: string | null;
  /** Of the whole call, on the last line. Null where it is not told, or is no count: older servers leave it out for a cached prompt. */
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  /** The server gave up in the middle. */
  readonly error: string | null;
}

const LINE = z.union([
  z.object({ error: z.string() }),
  z.object({
    message: z
      .object({
        content: z.string().nullish(),
        tool_calls: z
          .array(
            z.object({
              id: z.string().nullish(),
              function: z.object({ name: z.string(), arguments: z.json().optional() }),
            }),
          )
          .nullish(),
      })
      .optional(),
    done: z.boolean(),
    done_reason: z.string().nullish(),
    prompt_eval_count: z.number().nullish(),
    eval_count: z.number().nullish(),
  }),
]);

const NOTHING: OllamaLine = {
  text: '',
  toolCalls: [],
  done: false,
  doneReason: null,
  promptTokens: null,
  outputTokens: null,
  error: null,
};

/** @throws Error when the line is not of the protocol */
export const parseOllamaLine = (line: string): OllamaLine => {
  const parsed = LINE.safeParse(jsonOf(line));
  if (!parsed.success) throw new Error(`a line is not of Ollama's protocol: ${line.slice(0, 80)}`);
  const value = parsed.data;
  if ('error' in value) return { ...NOTHING, error: value.error };
  return {
    text: value.message?.content ?? '',
    toolCalls: (value.message?.tool_calls ?? []).map((call) => ({
      id: call.id ?? null,
      name: call.function.name,
      arguments: (call.function.arguments ?? {}) as JsonValue,
    })),
    done: value.done,
    doneReason: value.done_reason ?? null,
    promptTokens: isInputCount(value.prompt_eval_count) ? value.prompt_eval_count : null,
    outputTokens: isCount(value.eval_count) ? value.eval_count : null,
    error: null,
  };
};

const jsonOf = (line: string): unknown => {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
};
