import { expect, test } from 'vitest';
import { z } from 'zod';
import { wrongInputOf } from '../../../agents/runtime/checked-value.ts';
import { defineAgent } from '../../../schemas/agent-definition.ts';

const plain = defineAgent({ name: 'plain', version: '1', instructions: 'Answer.' });
const typed = defineAgent({
  ...plain,
  name: 'typed',
  input: z.object({ order: z.string(), note: z.string().default('') }),
});

test('an input that does not fit is told with what would: a person who sees it can send the right one', () => {
  expect(wrongInputOf(typed, '{"order":"7"}')).toBeNull();
  const said = wrongInputOf(typed, 'order 7');
  expect(said).toContain('expected object');
  expect(said).toContain('typed takes JSON');
  // As a sender sees it: what has a default need not be sent.
  expect(said).toContain('"required":["order"]');
  expect(wrongInputOf(typed, '{"order":7}')).toContain('order: Invalid input');
  const odd = defineAgent({ ...plain, input: z.custom<string>((value) => value === 'x') });
  expect(wrongInputOf(odd, 'y')).toContain('does not fit');
});

test('a text that says nothing is no task', () => {
  expect(wrongInputOf(plain, ' \n')).toContain('empty');
  expect(wrongInputOf(plain, 'How?')).toBeNull();
});
