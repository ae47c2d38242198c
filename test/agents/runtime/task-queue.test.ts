import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTaskQueue, type Queued } from '../../../agents/runtime/task-queue.ts';

const PLAIN = { tenant: 'acme', priority: 0, notBefore: 0 };

test('tasks of one session run one after another in order, and nobody else waits for them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c', null), { maxLength: 30 }),
      fc.array(fc.nat(5)),
      (sessions, ends) => {
        const queue = createTaskQueue<Queued & { readonly lanes: readonly string[] }>();
        const items = sessions.map((session, offset) => ({
          ...PLAIN,
          offset,
          lanes: session === null ? [`task ${offset}`] : [session],
        }));
        for (const item of items) queue.push(item);
        const running: Queued[] = [];
        const begun: Queued[] = [];
        for (let at = 0; begun.length < items.length; at += 1) {
          for (let next = queue.next(0); next; next = queue.next(0)) {
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

test('tenants share the places, of one the higher priority goes first, and one that is to start later waits', () => {
  const queue = createTaskQueue<Queued>();
  const push = (offset: number, of: Partial<Queued>) =>
    queue.push({ ...PLAIN, offset, lanes: [`task ${offset}`], ...of });
  push(0, { tenant: 'many' });
  push(1, { tenant: 'many' });
  push(2, { tenant: 'many' });
  push(3, { tenant: 'few' });
  push(4, { tenant: 'few', priority: 5, notBefore: 100 });
  push(5, { tenant: 'many', priority: 1 });
  const order = [0, 0, 0, 100, 100, 100].map((now) => queue.next(now)?.offset);
  expect(order).toEqual([5, 3, 0, 4, 1, 2]);
  expect(queue.next(200)).toBeUndefined();
});

test('a tenant with few tasks is never behind more of another than there are places (fair between tenants)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 8 }), (many, places) => {
      // However urgent the many say they are.
      const queue = createTaskQueue<Queued>();
      for (let offset = 0; offset < many; offset += 1)
        queue.push({ ...PLAIN, offset, tenant: 'many', priority: 9, lanes: [`task ${offset}`] });
      queue.push({ ...PLAIN, offset: many, tenant: 'few', lanes: ['task few'] });
      const running: Queued[] = [];
      let begun = 0;
      for (;;) {
        if (running.length >= places) queue.release(running.shift() as Queued);
        const next = queue.next(0);
        if (!next) break;
        running.push(next);
        if (next.tenant === 'few') break;
        begun += 1;
      }
      expect(begun).toBeLessThanOrEqual(1);
    }),
  );
});

test('one that is hurried starts at once, however early or far behind; the others keep their order, and a task sent twice its first', () => {
  const queue = createTaskQueue<Queued>();
  const item = (offset: number, lanes: readonly string[], notBefore = 0): Queued => ({
    ...PLAIN,
    ...{ offset, lanes, notBefore },
  });
  const [first, second, third] = [0, 1, 2].map((at) => item(at, [`task ${at}`, 'session'])) as [
    Queued,
    Queued,
    Queued,
  ];
  const early = item(3, ['task 3'], 1_000);
  const twin = item(4, ['task 0']);
  for (const each of [first, second, third, early, twin]) queue.push(each);
  expect(queue.next(0)).toBe(first);
  expect(queue.next(0)).toBeUndefined();
  for (const each of [early, second, twin, first]) queue.hurry(each);
  expect([queue.next(0), queue.next(0), queue.next(0)]).toEqual([second, early, undefined]);
  queue.release(early);
  queue.release(first);
  // Sent twice, it has ended by now: its second may start to see so.
  expect([queue.next(0), queue.next(0)]).toEqual([twin, undefined]);
  queue.release(second);
  expect([queue.next(0), queue.next(2_000)]).toEqual([third, undefined]);
});
