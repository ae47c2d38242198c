import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { droppedLine, fitPrompt, type PromptParts } from '../../../agents/context/fit-prompt.ts';
import { messageGroups } from '../../../agents/context/message-groups.ts';
import { likelyTokens, promptTokens } from '../../../agents/context/prompt-tokens.ts';
import type { ModelMessage } from '../../../connectors/models/language/language-model.ts';
import { parsePassages } from '../../../connectors/models/language/passages.ts';

const text = (max: number) => fc.string({ unit: 'grapheme', maxLength: max });
/** A reply, or calls with their results; now and then a result that nobody asked for, or a call without its result. */
const TURN: fc.Arbitrary<readonly ModelMessage[]> = fc
  .record({
    words: text(60),
    results: fc.array(fc.tuple(text(120), fc.boolean()), { maxLength: 3 }),
    stray: fc.boolean(),
    said: fc.boolean(),
  })
  .map(({ words, results, stray, said }) => {
    const toolCalls = results.map((_, index) => ({ id: `c${index}`, name: 'look', arguments: { index } }));
    return [
      ...(said ? [{ role: 'user' as const, content: words }] : []),
      { role: 'assistant' as const, content: words, ...(toolCalls.length > 0 ? { toolCalls } : {}) },
      ...results.flatMap(([content, answered], index) =>
        answered ? [{ role: 'tool' as const, toolCallId: `c${index}`, toolName: 'look', content }] : [],
      ),
      ...(stray ? [{ role: 'tool' as const, toolCallId: 'nobody', toolName: 'look', content: words }] : []),
    ];
  });
const TURNS = fc.array(TURN, { maxLength: 5 }).map((turns) => turns.flat());
const PARTS: fc.Arbitrary<PromptParts> = fc.record({
  system: text(80),
  question: text(80),
  passages: fc
    .array(fc.record({ text: text(200), ageMs: fc.option(fc.nat(100_000)), rank: fc.nat(3) }), {
      maxLength: 8,
    })
    .map((passages) =>
      passages.map((passage, index) => ({
        ...passage,
        number: index + 1,
        documentId: `d${index}`,
        source: 's',
        version: '1',
        stale: null,
        flags: [],
        title: 't',
      })),
    ),
  history: TURNS,
  messages: TURNS,
  tools: fc.array(
    fc.record({ name: fc.constant('look'), description: text(40), parameters: fc.constant({}) }),
    {
      maxLength: 2,
    },
  ),
});
const BUDGET = fc.integer({ min: 0, max: 1_500 });
const budgetOf = (room: number) => ({ contextTokens: room + 50, maxOutputTokens: 50 });
const fittedTo = (parts: PromptParts, room: number) => fitPrompt(parts, budgetOf(room), likelyTokens);
const always = (parts: PromptParts): number =>
  promptTokens(
    {
      system: parts.system,
      messages: [{ role: 'user', content: parts.question }],
      tools: parts.tools,
      maxOutputTokens: 50,
    },
    likelyTokens,
  );

describe('for any prompt and any window', () => {
  test('it fits whenever system, tools and question do, and tells its tokens', () => {
    fc.assert(
      fc.property(PARTS, BUDGET, (parts, room) => {
        const { prompt, tokens, fits } = fittedTo(parts, room);
        expect(tokens).toBe(promptTokens(prompt, likelyTokens));
        expect(fits).toBe(tokens <= room);
        expect(fits).toBe(always(parts) <= room);
        expect(prompt.system).toBe(parts.system);
        expect(prompt.tools ?? []).toEqual(parts.tools);
        expect(
          prompt.messages.filter(({ content }) => content.startsWith(parts.question)).length,
        ).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  test('no tool result stands without its call, and none is parted from it', () => {
    fc.assert(
      fc.property(PARTS, BUDGET, (parts, room) => {
        const { messages } = fittedTo(parts, room).prompt;
        for (const [index, message] of messages.entries()) {
          if (message.role !== 'tool') continue;
          const asked = messages.slice(0, index).findLast(({ role }) => role !== 'tool');
          const ids = asked?.role === 'assistant' ? (asked.toolCalls ?? []).map(({ id }) => id) : [];
          expect(ids).toContain(message.toolCallId);
        }
        const groups = [...messageGroups(parts.history ?? []), ...messageGroups(parts.messages)].map(
          (group) => JSON.stringify(group),
        );
        for (const group of messageGroups(messages)) {
          const known = groups.includes(JSON.stringify(group));
          expect(known || group[0]?.content.startsWith(parts.question)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('more room never shows fewer passages, and the shown ones are the best', () => {
    fc.assert(
      fc.property(PARTS, BUDGET, BUDGET, (parts, one, other) => {
        const less = fittedTo(parts, Math.min(one, other)).shownPassages;
        const more = fittedTo(parts, Math.max(one, other)).shownPassages;
        expect(more).toEqual(expect.arrayContaining([...less]));
        const left = parts.passages.filter(({ number }) => !less.includes(number));
        for (const shown of parts.passages.filter(({ number }) => less.includes(number)))
          for (const { rank = 0, ageMs } of left) {
            expect(shown.rank).toBeLessThanOrEqual(rank);
            if (shown.rank === rank && ageMs !== null)
              expect(shown.ageMs ?? Infinity).toBeLessThanOrEqual(ageMs);
          }
      }),
      { numRuns: 500 },
    );
  });

  test('the latest is shown before any passage; what is dropped is the oldest, counted and said', () => {
    fc.assert(
      fc.property(PARTS, BUDGET, (parts, room) => {
        const { prompt, latestShown, shownPassages, droppedMessages, fits } = fittedTo(parts, room);
        const groups = [...messageGroups(parts.history ?? []), ...messageGroups(parts.messages)];
        const kept = messageGroups(prompt.messages).length - 1;
        expect(droppedMessages).toBe(groups.flat().length - prompt.messages.length + 1);
        if (!latestShown) expect([shownPassages, kept]).toEqual([[], 0]);
        const shown = messageGroups(prompt.messages).map((group) => JSON.stringify(group));
        for (const group of groups.slice(groups.length - kept))
          expect(shown).toContain(JSON.stringify(group));
        const said = prompt.messages.some(({ content }) => content.endsWith(droppedLine(droppedMessages)));
        // Only where not even the line has room beside what is always there, it is left out.
        const line = likelyTokens(`\n\n${droppedLine(droppedMessages)}`);
        if (fits && droppedMessages > 0) expect(said || always(parts) + line > room).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('it is the same each time, and everything where there is room', () => {
    fc.assert(
      fc.property(PARTS, BUDGET, (parts, room) => {
        expect(fittedTo(parts, room)).toEqual(fittedTo(structuredClone(parts), room));
        const whole = fittedTo(parts, 100_000);
        expect(whole).toMatchObject({ fits: true, latestShown: true, droppedMessages: 0 });
        expect(whole.shownPassages).toEqual(parts.passages.map(({ number }) => number));
      }),
    );
  });
});

test('passages stand in their order under their numbers, the worst left out first', () => {
  const passages = ['first', 'second', 'third'].map((name, index) => ({
    number: index + 1,
    documentId: name,
    source: 's',
    version: '1',
    ageMs: 10,
    stale: null,
    flags: [],
    title: name,
    text: 'word '.repeat(40),
  }));
  const parts = { system: 's', question: 'Which?', passages, messages: [], tools: [] };
  const { prompt, shownPassages } = fittedTo(parts, 400);
  expect(shownPassages).toEqual([1, 2]);
  expect(
    parsePassages(prompt.messages[0]?.content ?? '').map(({ number, title }) => [number, title]),
  ).toEqual([
    [1, 'first'],
    [2, 'second'],
  ]);
});
