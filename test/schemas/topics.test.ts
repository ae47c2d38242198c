import { expect, test } from 'vitest';
import { isGapless, TOPICS } from '../../schemas/topics.ts';

const MONTH_MS = 30 * 24 * 3_600_000;

test('the end of a memory stands for a month: a hole in its topic is no loss to a pipeline that comes back, so nothing else would say it', () => {
  expect(isGapless(TOPICS.memory.name)).toBe(false);
  expect(Number(TOPICS.memory.settings['delete.retention.ms'])).toBe(MONTH_MS);
});
