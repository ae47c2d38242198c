import { describe, expect, test } from 'vitest';
import { extractSummary } from '../../../agents/memory/extract-summary.ts';
import { learnedBehaviour } from '../../../agents/memory/learned-behaviour.ts';
import { type EndedExecution, foldEnded, turnOf } from '../../../agents/memory/remembered-turn.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { eventOf } from '../../support/event-of.ts';
import { ended, JOURNAL, turn } from './turns.ts';

const completed = (text: string): string =>
  JSON.stringify({
    outcome: 'completed',
    output: { text, citations: [] },
    partial: null,
    receipt: {},
    steps: 1,
    startedAt: 1,
  });
const INPUT = JSON.stringify({
  text: 'How long?',
  principal: null,
  feature: null,
  budget: null,
  createdAt: 1,
});

const fold = (
  events: readonly (Partial<AgentEvent> & Pick<AgentEvent, 'type'>)[],
): readonly EndedExecution[] => {
  const state = foldEnded('here');
  return events.flatMap((event, offset) => {
    const whole = eventOf({
      executionId: 'e',
      taskId: 't',
      tenant: 'acme',
      sessionId: 's-1',
      agent: 'support',
      ...event,
    });
    return state.take(whole, { topic: JOURNAL, partition: 3, offset }) ?? [];
  });
};

const begun: readonly (Partial<AgentEvent> & Pick<AgentEvent, 'type'>)[] = [
  { type: 'user-input', epoch: 0, sequence: 0, worker: 'gateway', input: INPUT },
  { type: 'claim', epoch: 1, sequence: 0, worker: 'w-1' },
];

describe('an execution read from the journal', () => {
  test('is its question, its tools and its answer, at the place where it ended', () => {
    const of = { epoch: 1, worker: 'w-1' };
    expect(
      fold([
        ...begun,
        { type: 'tool-call', ...of, sequence: 1, name: 'retrieve', output: '{}' },
        { type: 'tool-call', ...of, sequence: 2, name: 'look-up', input: '{"id":7}', output: '{}' },
        { type: 'response', ...of, sequence: 3, name: 'completed', output: completed('30 days.'), at: 9 },
      ]),
    ).toEqual([
      {
        ...{ executionId: 'e', agent: 'support', tenant: 'acme', sessionId: 's-1', outcome: 'completed' },
        ...{
          place: { topic: JOURNAL, partition: 3, offset: 4 },
          at: 9,
          question: 'How long?',
          answer: '30 days.',
        },
        ...{ tools: [{ name: 'look-up', input: '{"id":7}', worked: true }], retrieved: true },
        ...{ recalled: 'user', feedback: null },
      },
    ]);
  });

  test('what it was given to remember is told by its least trusted origin', () => {
    const recalled = (over: Partial<AgentEvent>) =>
      fold([
        ...begun,
        { type: 'memory-update', epoch: 1, worker: 'w-1', sequence: 1, name: 'recall', ...over },
        { type: 'response', epoch: 1, worker: 'w-1', sequence: 2, name: 'completed', output: completed('x') },
      ]).map((each) => each.recalled);
    const turns = [{ origin: 'model' }, { origin: 'tool' }];
    const output = (value: object) => ({ output: JSON.stringify(value) });
    expect(recalled(output({ session: 'known', turns, longTerm: 'none', memories: [] }))).toEqual(['tool']);
    expect(recalled(output({ turns: [], memories: [{ origin: 'retrieved' }] }))).toEqual(['retrieved']);
    expect(recalled(output({ turns: [], memories: [] }))).toEqual(['user']);
    const outputPayload = { partition: 0, from: 0, parts: 1, bytes: 1, hash: '' } as never;
    expect(recalled({ output: null, outputPayload })).toEqual(['tool']);
  });

  test('ends once: a zombie of an older claim, and a second end, say nothing', () => {
    expect(
      fold([
        ...begun,
        { type: 'claim', epoch: 2, sequence: 0, worker: 'w-2' },
        { type: 'response', epoch: 1, sequence: 1, worker: 'w-1', output: completed('of the zombie') },
        { type: 'response', epoch: 2, sequence: 1, worker: 'w-2', output: completed('of the heir') },
        { type: 'response', epoch: 2, sequence: 2, worker: 'w-2', output: completed('again') },
      ]).map(({ answer }) => answer),
    ).toEqual(['of the heir']);
  });

  test('is left out where its beginning was not read, or its end is no end', () => {
    expect(
      fold([{ type: 'response', epoch: 1, sequence: 1, worker: 'w-1', output: completed('x') }]),
    ).toEqual([]);
    expect(fold([...begun, { type: 'response', epoch: 1, sequence: 1, worker: 'w-1', output: '{' }])).toEqual(
      [],
    );
  });
});

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
