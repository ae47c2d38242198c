import { expect, test } from 'vitest';
import { notRedriven, redrivenAtOnce } from '../../gateway/redrive-record.ts';
import { TOPICS } from '../../schemas/topics.ts';

const CHANGES = ['cdc.shop'];

test('changes, and tasks that never began, are taken through again', () => {
  expect(notRedriven('cdc.shop', 'not-avro', CHANGES)).toBeNull();
  for (const reason of ['not-avro', 'unknown-agent', 'too-large'])
    expect(notRedriven(TOPICS.tasks.name, reason, CHANGES)).toBeNull();
});

test('a task that may have acted is left to a person, and what Freshet writes itself is left alone', () => {
  for (const reason of ['poison', 'internal'])
    expect(notRedriven(TOPICS.tasks.name, reason, CHANGES)).toMatch(/may have acted.*--from-step/);
  expect(notRedriven(TOPICS.documents.name, 'not-avro', CHANGES)).toMatch(/written by Freshet itself/);
});

test('one request takes 200, of no more bytes together than are held at once, and always one', () => {
  const letters = (count: number, valueBytes: number, never: string | null = null) =>
    Array.from({ length: count }, () => ({ valueBytes, never }));
  const MIB = 1024 * 1024;
  expect(redrivenAtOnce(letters(250, 1_000))).toHaveLength(200);
  expect(redrivenAtOnce(letters(200, 8 * MIB))).toHaveLength(8);
  expect(redrivenAtOnce(letters(2, 80 * MIB))).toHaveLength(1);
  // What is only said to be left is not read.
  expect(redrivenAtOnce([...letters(20, 8 * MIB, 'it was begun'), ...letters(3, MIB)])).toHaveLength(23);
  expect(redrivenAtOnce([])).toEqual([]);
});
