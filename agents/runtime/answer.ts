/** What an execution leaves behind: its answer with citations, what was reached where there is none, and the receipt. Pure. */
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import type { ToolResult } from '../../schemas/agent-definition.ts';
import { shortenedTo } from '../../schemas/cut-text.ts';
import type { Receipt } from '../../schemas/search.ts';
import type { ExecutionState } from './execution-state.ts';
import { citedPassages, isSearchResponse, type RetrievedPassage } from './retrieved-passages.ts';

/** What a reader of a passage must know beside its age; nothing where there is nothing to know. */
const marksOf = ({ stale, flags }: RetrievedPassage): { readonly [key: string]: JsonValue } => ({
  ...(stale ? { stale: { ...stale } } : {}),
  ...(flags.length > 0 ? { flags: [...flags] } : {}),
});

const citationOf = (passage: RetrievedPassage): JsonValue => {
  const { number, documentId, chunk, version, title, ageMs } = passage;
  return { number, documentId, chunk, version, title, ageMs, ...marksOf(passage) };
};

/** `{text, value?, citations, model, finishReason}`: the output of a completed execution; `value` where the agent promises a shape. */
export const answerOf = (
  state: ExecutionState,
  answered: { readonly text: string; readonly model: string; readonly finishReason: string },
  value: JsonValue | undefined,
): JsonValue => ({
  text: answered.text,
  ...(value === undefined ? {} : { value }),
  citations: citedPassages(answered.text, state.passages).map(citationOf),
  model: answered.model,
  finishReason: answered.finishReason,
});

/** The same of a plan's answer: the model is the last that was asked, if any was. */
export const plannedAnswerOf = (state: ExecutionState, value: JsonValue): JsonValue => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return {
    text,
    value,
    citations: citedPassages(text, state.passages).map(citationOf),
    model: state.phase.kind === 'answered' ? state.phase.model : null,
    finishReason: 'stop',
  };
};

/** Of what each tool returned. */
const SHOWN_CHARACTERS = 2_000;

const lastWordsOf = ({ messages }: ExecutionState): string | null =>
  messages.findLast(({ role, content }) => role === 'assistant' && content !== '')?.content ?? null;

/**
 * What was reached before a failure or halt, as the decision to end is known by it: tool results in the frame that a model was told
 * them in. Journals hold its hash, so it stays as it is (I10); what people are shown is `reachedOf`.
 */
export const partialOf = (state: ExecutionState): JsonValue => ({
  text: lastWordsOf(state),
  passages: state.passages.map(citationOf),
  toolResults: state.messages.flatMap((message) =>
    message.role === 'tool'
      ? [{ name: message.toolName, content: message.content.slice(0, SHOWN_CHARACTERS) }]
      : [],
  ),
});

/**
 * What was reached before a failure or halt, for people: `{text, passages, toolResults: [{name, content, error}]}`. The last words of
 * a model, what was retrieved, and of each tool call its outcome in plain words: a text, the texts that a search found, the answer of
 * another agent, other values as JSON, or with its code why it failed. The first 2,000 characters of each.
 */
export const reachedOf = (state: ExecutionState): JsonValue => ({
  text: lastWordsOf(state),
  passages: state.passages.map(citationOf),
  toolResults: state.results.map(({ name, output, error }) => ({
    name,
    content: shortenedTo(error ? error.message : plainTextOf(output), SHOWN_CHARACTERS),
    error: error?.code ?? null,
  })),
});

const plainTextOf = (output: ToolResult['output']): string => {
  if (typeof output === 'string') return output;
  if (isSearchResponse(output)) return output.hits.map(({ text }) => text).join('\n\n');
  return isAnswer(output) ? output.text : JSON.stringify(output);
};

/** What an agent answers: its citations are of its own passages, which the one that asked has not seen. */
const isAnswer = (output: unknown): output is { readonly text: string } => {
  const { text, citations } = (output ?? {}) as { readonly text?: unknown; readonly citations?: unknown };
  return typeof text === 'string' && Array.isArray(citations);
};

/** Numbers of several retrievals as one: the most cautious of each, unknown where one is unknown. */
const combined = (receipts: readonly Receipt[]): JsonValue => {
  const [first] = receipts;
  if (!first)
    return { index: null, at: null, watermarks: {}, stalenessMs: null, fresh: null, newestApplied: {} };
  const staleness = receipts.map((receipt) => receipt.stalenessMs);
  const fresh = receipts.map((receipt) => receipt.fresh);
  const oldest = receipts.reduce((a, b) => (b.at < a.at ? b : a), first);
  return {
    index: oldest.index,
    at: oldest.at,
    watermarks: Object.fromEntries(
      Object.entries(oldest.watermarks).map(([name, mark]) => [
        name,
        {
          ...mark,
          heldTables: Object.fromEntries(
            Object.entries(mark.heldTables).map(([table, held]) => [table, { ...held }]),
          ),
        },
      ]),
    ),
    stalenessMs: staleness.some((each) => each === null) ? null : Math.max(...staleness.map(Number)),
    fresh: fresh.includes(null) ? null : fresh.every(Boolean),
    newestApplied: Object.fromEntries(
      Object.entries(oldest.newestApplied).map(([name, newest]) => [name, { ...newest }]),
    ),
  };
};

/** How old the context was: watermarks and staleness of the retrievals, and of every passage its version and age. */
export const receiptOf = (state: ExecutionState): JsonValue => {
  const text = state.phase.kind === 'answered' ? state.phase.text : '';
  const cited = new Set(citedPassages(text, state.passages));
  return {
    ...(combined(state.receipts) as { readonly [key: string]: JsonValue }),
    retrievals: state.receipts.length,
    chunks: state.passages.map((passage) => ({
      documentId: passage.documentId,
      chunk: passage.chunk,
      version: passage.version,
      ageMs: passage.ageMs,
      cited: cited.has(passage),
      ...marksOf(passage),
    })),
  };
};
