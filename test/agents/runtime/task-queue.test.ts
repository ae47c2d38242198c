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

test('those of a session start in order of offset though a later one is known first, and nobody else waits for what is not known yet', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', null), { minLength: 1, maxLength: 20 }),
      fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
      fc.nat(20),
      (sessions, waited, from) => {
        const items = sessions.map((session, offset) => ({
          ...{ ...PLAIN, offset, session },
          lanes: [`task ${offset}`, ...(session === null ? [] : [`session ${session}`])],
        }));
        const queue = createTaskQueue<(typeof items)[number]>(from);
        const running: typeof items = [];
        const begun: typeof items = [];
        const begin = (): void => {
          for (let next = queue.next(0); next; next = queue.next(0)) {
            expect(running.some(({ session }) => session !== null && session === next?.session)).toBe(false);
            running.push(next);
            begun.push(next);
          }
        };
        // What waited under another worker is known at once, what ended below `from` is not read again, the rest one by one.
        const restored = items.filter(({ offset }) => waited[offset]);
        for (const item of restored) queue.push(item);
        begin();
        const atOnce = restored.filter(({ session }) => session === null);
        expect(begun).toEqual(expect.arrayContaining(atOnce));
        for (const item of items.slice(from)) {
          queue.knowBelow(item.offset + 1);
          if (!waited[item.offset]) queue.push(item);
          begin();
        }
        while (running.length > 0) {
          queue.release(running.shift() as (typeof items)[number]);
          begin();
        }
        const all = items.filter(({ offset }) => waited[offset] || offset >= from);
        if (from < items.length) expect(begun).toHaveLength(all.length);
        for (const session of ['a', 'b']) {
          const order = begun.filter((item) => item.session === session).map(({ offset }) => offset);
          expect(order).toEqual([...order].sort((a, b) => a - b));
        }
      },
    ),
  );
});

test('one that is hurried is held for nobody, and what is never read is held no longer than that is known', () => {
  const queue = createTaskQueue<Queued>(2);
  const item = (offset: number): Queued => ({
    ...{ ...PLAIN, offset },
    lanes: [`task ${offset}`, `session ${offset}`],
  });
  const [first, second, third] = [item(4), item(7), item(9)];
  for (const each of [first, second, third]) queue.push(each);
  expect(queue.next(0)).toBeUndefined();
  queue.hurry(second);
  expect([queue.next(0), queue.next(0)]).toEqual([second, undefined]);
  queue.drop(first);
  queue.knowBelow(5);
  expect(queue.next(0)).toBeUndefined();
  queue.knowBelow(Number.POSITIVE_INFINITY);
  expect([queue.next(0), queue.next(0)]).toEqual([third, undefined]);
});

test('one that only waits counts for nobody: a tenant whose tasks all wait has its turn before one with a backlog', () => {
  const queue = createTaskQueue<Queued>();
  const item = (offset: number, tenant: string): Queued => ({
    ...{ ...PLAIN, offset, tenant },
    lanes: [`task ${offset}`],
  });
  const waits = [0, 1, 2].map((offset) => item(offset, 'patient'));
  for (const each of waits) queue.push(each);
  for (const each of waits) {
    expect(queue.next(0)).toBe(each);
    queue.rest(each);
  }
  for (let offset = 3; offset < 9; offset += 1) queue.push(item(offset, 'busy'));
  expect(queue.next(0)?.offset).toBe(3);
  queue.push(item(9, 'patient'));
  expect(queue.next(0)?.offset).toBe(9);
  // They go on, and count again: three of its own run by now, of the other one.
  for (const each of waits.slice(1)) queue.goOn(each);
  queue.push(item(10, 'patient'));
  expect([queue.next(0)?.offset, queue.next(0)?.offset, queue.next(0)?.offset]).toEqual([4, 5, 10]);
});
