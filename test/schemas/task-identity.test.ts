import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_TASK_ID_CHARACTERS, taskIdOf, wrongIdOf } from '../../schemas/task-identity.ts';

const place = { partition: 3, offset: 17, timestamp: 1 };
const long = fc.string({ minLength: MAX_TASK_ID_CHARACTERS + 1, maxLength: 5_000 });

test('whatever a task is called, its name is no longer than a name may be, and it keeps its own wherever that is one', () => {
  fc.assert(
    fc.property(fc.option(fc.oneof(fc.string(), long)), (taskId) => {
      const name = taskIdOf({ taskId }, place);
      expect(name.length).toBeLessThanOrEqual(MAX_TASK_ID_CHARACTERS);
      const isOwn = taskId !== null && taskId !== '' && wrongIdOf({ taskId }) === null;
      expect(name).toBe(isOwn ? taskId : 'task-3-17');
    }),
  );
});

test('only what is too long is said to be wrong, and how long it may be', () => {
  const most = 'x'.repeat(MAX_TASK_ID_CHARACTERS);
  expect([null, '', 'task-1', most].map((taskId) => wrongIdOf({ taskId }))).toEqual([null, null, null, null]);
  expect(wrongIdOf({ taskId: `${most}x` })).toMatch(/has 257 characters, over 256/);
});
