import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundTurn, turnsToMove, turnsToRecall } from '../../../agents/memory/session-state.ts';
import type { SessionPolicy } from '../../../schemas/memory-policy.ts';
import { turn } from './turns.ts';

const POLICY: SessionPolicy = { ttlMs: 60_000, maxTurns: 4, maxCharacters: 1_000 };
const MINUTE = 60_000_000;

/** Conversations with silences in them, oldest first, and a moment after the last. */
const conversations = fc
  .tuple(
    fc.array(
      fc.record({ after: fc.integer({ min: 1, max: 3 * MINUTE }), size: fc.integer({ min: 0, max: 600 }) }),
      {
        maxLength: 12,
      },
    ),
    fc.integer({ min: 0, max: 3 * MINUTE }),
  )
  .map(([parts, silence]) => {
    let at = 1_000 * MINUTE;
    const turns = parts.map(({ after, size }, index) => {
      at += after;
      return turn(index, { at, question: 'q', answer: 'a'.repeat(size) });
    });
    return { turns, now: at + silence };
  });

describe('what a session says', () => {
  test('is within both caps, in order, and ends with the last turn, whatever was said', () => {
    fc.assert(
      fc.property(conversations, ({ turns, now }) => {
        const recalled = turnsToRecall(turns, POLICY, now);
        expect(recalled.length).toBeLessThanOrEqual(POLICY.maxTurns);
        expect(recalled.reduce((sum, { answer }) => sum + answer.length + 1, 0)).toBeLessThanOrEqual(
          POLICY.maxCharacters,
        );
        if (recalled.length > 0) expect(turns.slice(-recalled.length)).toEqual(recalled);
      }),
    );
  });

  test('goes back no further than the last silence that was longer than its time', () => {
    const before = turn(1, { at: 10 * MINUTE });
    const after = turn(2, { at: 12 * MINUTE });
    expect(turnsToRecall([before, after], POLICY, 12 * MINUTE + 1)).toEqual([after]);
    expect(turnsToRecall([before, after], POLICY, 14 * MINUTE)).toEqual([]);
  });
});

describe('what moves down', () => {
  test('is the oldest part, and what it leaves is within the caps', () => {
    fc.assert(
      fc.property(conversations, ({ turns, now }) => {
        const moved = turnsToMove(turns, POLICY, now);
        expect(turns.slice(0, moved.length)).toEqual(moved);
        const left = turns.slice(moved.length);
        expect(left.length).toBeLessThanOrEqual(POLICY.maxTurns);
        expect(left.reduce((sum, { answer }) => sum + answer.length + 1, 0)).toBeLessThanOrEqual(
          POLICY.maxCharacters,
        );
        // A second look finds nothing more.
        expect(turnsToMove(left, POLICY, now)).toEqual([]);
      }),
    );
  });

  test('is everything once the session has ended, and nothing of one within its caps', () => {
    const turns = [turn(1, { at: 10 * MINUTE }), turn(2, { at: 10 * MINUTE + 1 })];
    expect(turnsToMove(turns, POLICY, 10 * MINUTE + 2)).toEqual([]);
    expect(turnsToMove(turns, POLICY, 12 * MINUTE)).toEqual(turns);
  });

  test('over the caps, half of them stay, so that the next turn moves nothing', () => {
    const turns = [1, 2, 3, 4, 5].map((at) => turn(at, { at: 10 * MINUTE + at }));
    expect(turnsToMove(turns, POLICY, 10 * MINUTE + 6)).toEqual(turns.slice(0, 3));
  });
});

test('one turn is a quarter of its session at most', () => {
  const bound = boundTurn(
    turn(1, { question: 'x'.repeat(5_000), answer: '\u{1F600}'.repeat(5_000) }),
    POLICY,
  );
  expect(bound.question.length + bound.answer.length).toBeLessThanOrEqual(POLICY.maxCharacters / 4);
  // Cut between two characters, not within one.
  expect(Buffer.from(bound.answer).toString()).toBe(bound.answer);
});
