/** A summary without a language model: of each turn what was asked, and the sentence of the answer that answers it best. Pure. */
import { EXTRACTIVE_PREFIX } from '../../connectors/models/language/extractive-model.ts';
import { rankSentences } from '../../connectors/models/language/rank-sentences.ts';
import { splitSentences } from '../../connectors/models/language/split-sentences.ts';
import type { SessionTurn } from '../../schemas/recollection.ts';
import { oneLine } from './one-line.ts';

/** Stands before every such summary, so that nobody takes it for a model's words. */
export const EXTRACTED_PREFIX = 'Quoted from the conversation without a language model.';

const QUESTION_CHARACTERS = 240;
const ANSWER_CHARACTERS = 320;
const SUMMARY_CHARACTERS = 2_400;

/** Of an answer the sentence that answers the question best; undefined where none speaks of it. */
export const answerSentence = (question: string, answer: string): string | undefined =>
  rankSentences(question, [
    {
      number: 1,
      documentId: '',
      source: '',
      version: '',
      ageMs: null,
      stale: null,
      flags: [],
      title: '',
      text: answer.replace(EXTRACTIVE_PREFIX, '').trim(),
    },
  ])[0]?.text;

const lineOf = ({ question, answer }: SessionTurn): string => {
  const said = answer.replace(EXTRACTIVE_PREFIX, '').trim();
  const best = answerSentence(question, answer) ?? splitSentences(said)[0]?.text ?? '';
  return `- Asked: ${oneLine(question, QUESTION_CHARACTERS)}\n  Answered: ${oneLine(best, ANSWER_CHARACTERS)}`;
};

/** The turns in their order; where they are too many the newest, and how many were left out is said. */
export const extractSummary = (turns: readonly SessionTurn[]): string => {
  const lines: string[] = [];
  let characters = 0;
  for (const turn of turns.toReversed()) {
    const line = lineOf(turn);
    characters += line.length + 1;
    if (characters > SUMMARY_CHARACTERS && lines.length > 0) break;
    lines.unshift(line);
  }
  const left = turns.length - lines.length;
  return [
    EXTRACTED_PREFIX,
    ...(left > 0 ? [`${left} earlier ${left === 1 ? 'turn is' : 'turns are'} left out.`] : []),
    ...lines,
  ].join('\n');
};
