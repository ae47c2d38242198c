import { expect, test } from 'vitest';
import { notRedriven } from '../../gateway/redrive-record.ts';
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
