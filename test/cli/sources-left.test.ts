import { expect, test } from 'vitest';
import { findLeft } from '../../cli/commands/doctor.ts';

test('a source that was taken out is a finding until its connector is deleted', () => {
  const found = (connectors: readonly string[]) =>
    findLeft(['books', 'warehouse'], connectors).map(({ part, ok }) => [part, ok]);
  expect(found(['freshet-warehouse', 'freshet-shop', 'theirs'])).toEqual([['source warehouse', false]]);
  expect(found(['freshet-shop'])).toEqual([]);
});
