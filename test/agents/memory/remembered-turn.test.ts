import { describe, expect, test } from 'vitest';
import { extractSummary } from '../../../agents/memory/extract-summary.ts';
import { learnedBehaviour } from '../../../agents/memory/learned-behaviour.ts';
import { turnOf } from '../../../agents/memory/remembered-turn.ts';
import { ended, turn } from './turns.ts';

describe('a turn', () => {
  test('is of a session and of an answer: errors are no context', () => {
    expect(turnOf(ended(1))).toMatchObject({ executionId: 'execution-1', origin: 'model' });
    expect(turnOf(ended(1, { retrieved: true }))).toMatchObject({ origin: 'retrieved' });
    const tools = [{ name: 'x', input: '', worked: true }];
    expect(turnOf(ended(1, { retrieved: true, tools }))).toMatchObject({ origin: 'tool' });
    // What was made of something from outside is no better for being said again.
    expect(turnOf(ended(1, { recalled: 'tool' }))).toMatchObject({ origin: 'tool' });
    expect(turnOf(ended(1, { recalled: 'retrieved' }))).toMatchObject({ origin: 'retrieved' });
    expect(turnOf(ended(1, { sessionId: null }))).toBeUndefined();
    expect(turnOf(ended(1, { outcome: 'failed' }))).toBeUndefined();
    expect(turnOf(ended(1, { outcome: 'halted', answer: 'so far' }))).toBeUndefined();
  });
});

describe('a learned behaviour', () => {
  const policy = { ttlMs: 1_000 };
  const tools = [
    { name: 'find-order', input: '{"id":"A 17"}', worked: false },
    { name: 'search-orders', input: '{"customer":"Ada"}', worked: true },
  ];

  test('says what was asked, what was called in order, and what came of it', () => {
    const answer = 'Thank you. The order of Ada was sent on Monday. Anything else?';
    const learned = learnedBehaviour(
      ended(1, { tools, question: 'Where is the order of Ada?', answer }),
      policy,
    );
    expect(learned?.title).toBe('What worked for: Where is the order of Ada?');
    expect(learned?.text).toBe(
      [
        'Asked: Where is the order of Ada?',
        'Done:',
        '1. find-order({"id":"A 17"}) – failed',
        '2. search-orders({"customer":"Ada"})',
        'Came of it: The order of Ada was sent on Monday.',
      ].join('\n'),
    );
    expect(learned).toMatchObject({
      kind: 'behaviour',
      origin: 'tool',
      uses: 1,
      at: 1,
      expiresAt: 1_000_001,
    });
    expect(learnedBehaviour(ended(1, { tools }), policy)?.memoryId).toBe(learned?.memoryId);
  });

  test('is of what worked and pleased', () => {
    expect(learnedBehaviour(ended(1), policy)).toBeUndefined();
    expect(learnedBehaviour(ended(1, { tools: tools.slice(0, 1) }), policy)).toBeUndefined();
    expect(learnedBehaviour(ended(1, { tools, outcome: 'failed' }), policy)).toBeUndefined();
    expect(learnedBehaviour(ended(1, { tools, feedback: 0.2 }), policy)).toBeUndefined();
    expect(learnedBehaviour(ended(1, { tools, feedback: 0.9 }), policy)).toMatchObject({
      kind: 'behaviour',
      state: 'kept',
      text: expect.stringContaining('search-orders'),
    });
  });
});

describe('a summary without a language model', () => {
  test('quotes of each answer the sentence that answers, and says how it was made', () => {
    const turns = [
      turn(1, {
        question: 'How long is the return window?',
        answer: 'Hello there. The return window is 30 days. Have a nice day.',
      }),
      turn(2, {
        question: 'And who pays?',
        answer: 'Quoted without a language model: “The buyer pays.”',
      }),
    ];
    expect(extractSummary(turns)).toBe(
      [
        'Quoted from the conversation without a language model.',
        '- Asked: How long is the return window?',
        '  Answered: The return window is 30 days.',
        '- Asked: And who pays?',
        '  Answered: “The buyer pays.”',
      ].join('\n'),
    );
  });

  test('is bounded, keeps the newest, and says what it leaves out', () => {
    const turns = Array.from({ length: 100 }, (_, at) =>
      turn(at, { answer: `The answer ${at} is ${'long '.repeat(90)}.` }),
    );
    const text = extractSummary(turns);
    expect(text.length).toBeLessThan(2_700);
    expect(text).toMatch(/\d+ earlier turns are left out\./);
    expect(text).toContain('Question 99?');
  });
});
