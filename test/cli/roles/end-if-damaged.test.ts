import { expect, test } from 'vitest';
import { endIfDamaged } from '../../../cli/roles/end-if-damaged.ts';
import { FreshetError } from '../../../schemas/errors.ts';

test('a role ends for a damaged table, which begins anew, and for nothing else', () => {
  const seen: unknown[] = [];
  const told = (thrown: unknown) =>
    endIfDamaged({ condemn: () => seen.push('condemned') }, thrown, ({ code }) => seen.push(code));
  told(new FreshetError('disk-full', 'no space is left'));
  told(new Error('kafka'));
  expect(seen).toEqual([]);
  told(new FreshetError('index-corrupt', 'a flush failed'));
  expect(seen).toEqual(['condemned', 'index-corrupt']);
});
