/** What worked before, as a memory: the question, the tools in their order, and what came of it. Pure. */
import { splitSentences } from '../../connectors/models/language/split-sentences.ts';
import type { LongTermPolicy } from '../../schemas/memory-policy.ts';
import type { Memory } from '../../schemas/records.ts';
import { answerSentence } from './extract-summary.ts';
import { memoryIdOf } from './memory-record.ts';
import { oneLine } from './one-line.ts';
import { type EndedExecution, originOf, type ToolUse } from './remembered-turn.ts';

/** From here on feedback says that it worked. */
export const GOOD_FEEDBACK = 0.5;
const QUESTION_CHARACTERS = 400;
const INPUT_CHARACTERS = 160;
const OUTCOME_CHARACTERS = 300;
const MOST_STEPS = 12;

const stepOf = ({ name, input, worked }: ToolUse, at: number): string =>
  `${at + 1}. ${name}(${oneLine(input, INPUT_CHARACTERS)})${worked ? '' : ' – failed'}`;

/**
 * Undefined where there is nothing to learn: it did not complete, somebody was not content with it, no tool was called,
 * or none worked.
 */
export const learnedBehaviour = (
  ended: EndedExecution,
  { ttlMs }: Pick<LongTermPolicy, 'ttlMs'>,
): Memory | undefined => {
  const { executionId, agent, tenant, outcome, feedback, tools, question, answer, at, place } = ended;
  if (outcome !== 'completed' || (feedback !== null && feedback < GOOD_FEEDBACK)) return undefined;
  if (!tools.some(({ worked }) => worked)) return undefined;
  const asked = oneLine(question, QUESTION_CHARACTERS);
  const steps = tools.slice(0, MOST_STEPS).map(stepOf);
  if (tools.length > MOST_STEPS) steps.push(`… and ${tools.length - MOST_STEPS} more`);
  const came = oneLine(
    answerSentence(question, answer) ?? splitSentences(answer)[0]?.text ?? '',
    OUTCOME_CHARACTERS,
  );
  return {
    memoryId: memoryIdOf('behaviour', [tenant, agent, executionId]),
    kind: 'behaviour',
    state: 'kept',
    tenant,
    agent,
    sessionId: null,
    title: `What worked for: ${asked}`,
    text: [`Asked: ${asked}`, 'Done:', ...steps, `Came of it: ${came}`].join('\n'),
    origin: originOf(ended),
    uses: 1,
    createdAt: at,
    at,
    expiresAt: at + ttlMs * 1_000,
    executionId,
    places: [{ topic: place.topic, partition: place.partition, from: place.offset, to: place.offset }],
    reason: null,
  };
};
