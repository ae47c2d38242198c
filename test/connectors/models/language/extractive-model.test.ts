import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createExtractiveModel,
  EXTRACTIVE_NOTHING,
  EXTRACTIVE_PREFIX,
} from '../../../../connectors/models/language/extractive-model.ts';
import type { ModelMessage, ModelRequest } from '../../../../connectors/models/language/language-model.ts';
import { type Passage, renderPassages } from '../../../../connectors/models/language/passages.ts';

const model = createExtractiveModel();

const passage = (number: number, title: string, text: string): Passage => ({
  number,
  documentId: `help:${number}`,
  source: 'help',
  version: '0:1',
  ageMs: 40,
  stale: null,
  flags: [],
  title,
  text,
});

const request = (question: string, passages: readonly Passage[]): ModelRequest => ({
  system: 'Answer from the passages.',
  messages: [{ role: 'user', content: `${renderPassages(passages)}\n\nQuestion: ${question}` }],
  maxOutputTokens: 200,
});

const ask = async (question: string, passages: readonly Passage[]) =>
  (await model.generate(request(question, passages))).text;

const HELP: readonly Passage[] = [
  passage(
    1,
    'X300 headphones',
    'The X300 is our flagship. The return window for the X300 is 60 days. It ships with a case.',
  ),
  passage(
    2,
    'Returning a product',
    'Most products can be returned. Send the box to our warehouse. Refunds reach your account within 5 business days.',
  ),
  passage(
    3,
    'X200 headphones',
    'The X200 is light and folds flat. Its battery lasts 20 hours. The return window for the X200 is 45 days. It costs 89.90 EUR.',
  ),
  passage(
    4,
    'Invoices',
    '## Due date\nPay by bank transfer within 14 days.\n## Address\nWe send invoices by mail to the billing address.',
  ),
  passage(
    5,
    'Status of the sync service',
    'On Monday the sync service was down for 25 minutes. The cause was an expired certificate. Acme Support can be called at 555-0199 from 9 to 5.',
  ),
];

test.each([
  ['What is the return window for the X200?', 'The return window for the X200 is 45 days.', 3],
  ['return window X300', 'The return window for the X300 is 60 days.', 1],
  [
    "Hi, I've just bought an X200 and I'm wondering how long its battery lasts?",
    'Its battery lasts 20 hours.',
    3,
  ],
  ['How much does the X200 cost?', 'It costs 89.90 EUR.', 3],
  ['When do refunds arrive in my account?', 'Refunds reach your account within 5 business days.', 2],
  ['By when is the due date of invoices?', 'Pay by bank transfer within 14 days.', 4],
  ['Why was the sync service down?', 'On Monday the sync service was down for 25 minutes.', 5],
  ['What caused the sync outage?', 'The cause was an expired certificate.', 5],
  ['What number can I call for support?', 'Acme Support can be called at 555-0199 from 9 to 5.', 5],
  ['Where are invoices sent?', 'We send invoices by mail to the billing address.', 4],
])('%s', async (question, sentence, number) => {
  expect(await ask(question, HELP)).toContain(`${EXTRACTIVE_PREFIX} “${sentence}” [${number}]`);
});

test('a fact freshly changed in a row is what the answer says, wherever its passage ranks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 999 }),
      fc.shuffledSubarray([...HELP], { minLength: 5 }),
      async (days, order) => {
        const passages = order.map((one, index) => ({
          ...one,
          number: index + 1,
          text: one.text.replace('X200 is 45 days', `X200 is ${days} days`),
        }));
        const number = passages.findIndex(({ title }) => title.startsWith('X200')) + 1;
        const answer = await ask('What is the return window for the X200?', passages);
        expect(
          answer.startsWith(
            `${EXTRACTIVE_PREFIX} “The return window for the X200 is ${days} days.” [${number}]`,
          ),
        ).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});

test.each([
  ['What is the capital of France?'],
  ['What is the return window for the X900?'],
  ['Who won the football match yesterday?'],
  [''],
])('it says so when nothing matches: %s', async (question) => {
  expect(await ask(question, HELP)).toBe(EXTRACTIVE_NOTHING);
  expect(await ask(question, [])).toBe(EXTRACTIVE_NOTHING);
});

test('a follow-up is answered from the passages of its own turn', async () => {
  const old = [passage(1, 'X200', 'The return window for the X200 is 30 days.')];
  const fresh = [passage(1, 'X200', 'The return window for the X200 is 45 days.')];
  const messages: readonly ModelMessage[] = [
    { role: 'user', content: `${renderPassages(old)}\n\nWhat is the return window for the X200?` },
    { role: 'assistant', content: '30 days.' },
    { role: 'user', content: 'And what is the X200 return window now?' },
    { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'search', arguments: {} }] },
    { role: 'tool', toolCallId: 'c1', toolName: 'search', content: renderPassages(fresh) },
  ];
  const { text } = await model.generate({ system: '', messages, maxOutputTokens: 100 });
  expect(text).toContain('45 days');
  expect(text).not.toContain('30 days');
});

test('the answer streams in chunks that join to it, and counts words', async () => {
  const chunks: string[] = [];
  const asked = request('What is the return window for the X200?', HELP);
  const reply = await model.generate({
    ...asked,
    onChunk: (chunk) => chunks.push(chunk.type === 'text' ? chunk.text : ''),
  });
  expect(chunks.length).toBeGreaterThan(1);
  expect(chunks.join('')).toBe(reply.text);
  expect(JSON.parse(JSON.stringify(reply))).toEqual(reply);
  expect(reply.usage.outputTokens).toBe(reply.text.split(/\s+/).length);
  expect(reply.usage.inputTokens).toBeLessThanOrEqual(model.estimate(asked).inputTokens);
  expect(await model.generate(asked)).toEqual(reply);
});

test('the output limit cuts the answer and says so', async () => {
  const asked = { ...request('What is the return window for the X200?', HELP), maxOutputTokens: 8 };
  const reply = await model.generate(asked);
  expect(reply.finishReason).toBe('length');
  expect(reply.usage.outputTokens).toBeLessThanOrEqual(8);
});

test('a cancelled call is not answered', async () => {
  const call = model.generate({ ...request('return window', HELP), signal: AbortSignal.abort() });
  await expect(call).rejects.toMatchObject({ code: 'model-failed', reason: 'cancelled', retryable: false });
});

test('hundreds of long passages take no time worth naming', async () => {
  const many = Array.from({ length: 200 }, (_, n) =>
    passage(n + 1, `Article ${n}`, 'The service was restarted. '.repeat(40)),
  );
  const took: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const started = performance.now();
    await ask('What is the return window for the X200?', [...many, ...HELP]);
    took.push(performance.now() - started);
  }
  // The quickest: a busy machine adds to the others.
  expect(Math.min(...took)).toBeLessThan(2_000);
});

test('a quotation says where its passage may be out of date, or where a check saw something in it', async () => {
  const stale = {
    ...passage(1, 'Returns', 'The return window is 30 days.'),
    stale: { forMs: 5, reason: 'g: r' },
  };
  const flagged = { ...stale, number: 2, stale: null, flags: ['instructions: encoded'] };
  expect(await ask('How long is the return window?', [stale])).toContain(
    '30 days.” [1] (its row has changed since)',
  );
  expect(await ask('How long is the return window?', [flagged])).toContain(
    '30 days.” [2] (flagged: instructions: encoded)',
  );
});
