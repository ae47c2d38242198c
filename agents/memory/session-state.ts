/** What a session says and what of it moves on: pure decisions over its turns, oldest first. Times in microseconds. */
import { cutText } from '../../schemas/cut-text.ts';
import type { SessionPolicy } from '../../schemas/memory-policy.ts';
import type { SessionTurn } from '../../schemas/recollection.ts';

/** A single turn takes a quarter of its session at most. */
const TURN_SHARE = 4;
/** Once over its caps a session is cut to half of them, so that not every further turn makes a summary of its own. */
const KEPT_SHARE = 2;

const charactersOf = ({ question, answer }: SessionTurn): number => question.length + answer.length;

const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${cutText(text, most - 1)}…`;

/** As it is stored: no question and no answer crowds out the others. */
export const boundTurn = (turn: SessionTurn, { maxCharacters }: SessionPolicy): SessionTurn => {
  const most = Math.floor(maxCharacters / TURN_SHARE / 2);
  return { ...turn, question: cut(turn.question, most), answer: cut(turn.answer, most) };
};

/** Where the conversation that goes on now begins: behind the last silence that was longer than the session's time. */
const beginningOf = (turns: readonly SessionTurn[], ttlMs: number, now: number): number => {
  let next = now;
  for (let at = turns.length - 1; at >= 0; at -= 1) {
    const turn = turns[at];
    if (turn && next - turn.at > ttlMs * 1_000) return at + 1;
    next = turn?.at ?? next;
  }
  return 0;
};

/** The newest that fit into both caps. */
const newestWithin = (turns: readonly SessionTurn[], most: number, mostCharacters: number): number => {
  let characters = 0;
  let from = turns.length;
  for (const turn of turns.toReversed()) {
    characters += charactersOf(turn);
    if (turns.length - from >= most || characters > mostCharacters) break;
    from -= 1;
  }
  return from;
};

/** What an execution is given: the conversation as far as it goes on, within the caps. */
export const turnsToRecall = (
  turns: readonly SessionTurn[],
  { ttlMs, maxTurns, maxCharacters }: SessionPolicy,
  now: number,
): readonly SessionTurn[] => {
  const current = turns.slice(beginningOf(turns, ttlMs, now));
  return current.slice(newestWithin(current, maxTurns, maxCharacters));
};

/** What moves down: all of a conversation that ended, and of one over its caps the older half. */
export const turnsToMove = (
  turns: readonly SessionTurn[],
  { ttlMs, maxTurns, maxCharacters }: SessionPolicy,
  now: number,
): readonly SessionTurn[] => {
  const begins = beginningOf(turns, ttlMs, now);
  const current = turns.slice(begins);
  const characters = current.reduce((sum, turn) => sum + charactersOf(turn), 0);
  if (current.length <= maxTurns && characters <= maxCharacters) return turns.slice(0, begins);
  const kept = newestWithin(
    current,
    Math.floor(maxTurns / KEPT_SHARE),
    Math.floor(maxCharacters / KEPT_SHARE),
  );
  return turns.slice(0, begins + kept);
};
