import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTaskQueue } from '../../../agents/runtime/task-queue.ts';

test('tasks of one session run one after another in order, and nobody else waits for them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c', null), { maxLength: 30 }),
      fc.array(fc.nat(5)),
      (sessions, ends) => {
        const queue = createTaskQueue<{ offset: number; lanes: string[] }>();
        const items = sessions.map((session, offset) => ({
          offset,
          lanes: session === null ? [`task ${offset}`] : [session],
        }));
        for (const item of items) queue.push(item);
        const running: typeof items = [];
        const begun: typeof items = [];
        for (let at = 0; begun.length < items.length; at += 1) {
          for (let next = queue.next(); next; next = queue.next()) {
            expect(running.some((other) => other.lanes[0] === next?.lanes[0])).toBe(false);
            running.push(next);
            begun.push(next);
          }
          const [ended] = running.splice((ends[at % Math.max(1, ends.length)] ?? 0) % running.length, 1);
          if (ended) queue.release(ended);
        }
        for (const session of ['a', 'b', 'c']) {
          const order = begun.filter((item) => item.lanes[0] === session).map((item) => item.offset);
          expect(order).toEqual([...order].sort((a, b) => a - b));
        }
      },
    ),
  );
});
