import { expect, test } from 'vitest';
import { deadLetterOf } from '../../schemas/dead-letters.ts';

const LARGE = Buffer.alloc(8 * 1024 * 1024, 'k');

test('whatever of a record is large, its letter fits its topic', () => {
  const { letter } = deadLetterOf(
    {
      ...{ topic: 'cdc.shop', partition: 0, offset: 1, key: LARGE, value: LARGE },
      headers: { large: LARGE, 'freshet-epoch': Buffer.from('1') },
    },
    { stage: 'receiving', reason: 'bad-key', message: LARGE.toString(), at: 1 },
  );
  expect(letter).toMatchObject({ key: null, value: null, headers: {}, valueBytes: LARGE.length });
  expect(letter.message.length).toBeLessThan(10_000);
});
