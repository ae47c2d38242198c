import { expect, test } from 'vitest';
import { madeOnce } from '../../schemas/made-once.ts';

test('what is made of an object is made once, and for another object anew', () => {
  let times = 0;
  const nameOf = madeOnce(({ name }: { name: string }) => {
    times += 1;
    return `${name} ${times}`;
  });
  const [one, other] = [{ name: 'a' }, { name: 'a' }];
  expect([nameOf(one), nameOf(one), nameOf(other), nameOf(one)]).toEqual(['a 1', 'a 1', 'a 2', 'a 1']);
});

test('what throws is tried again', () => {
  let ready = false;
  const made = madeOnce((_: object) => {
    if (!ready) throw new Error('not yet');
    return 'made';
  });
  const one = {};
  expect(() => made(one)).toThrow('not yet');
  ready = true;
  expect(made(one)).toBe('made');
});
