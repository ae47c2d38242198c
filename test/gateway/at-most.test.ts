import { expect, test } from 'vitest';
import { atMost } from '../../gateway/at-most.ts';

test('so much at a time, what is beyond it refused, and a place free again however its work ended', async () => {
  const one = atMost(1, 'One at a time.');
  let end = (_: string) => {};
  const first = one(() => new Promise<string>((resolve) => (end = resolve)));
  await expect(one(async () => 'second')).rejects.toMatchObject({
    code: 'too-many-requests',
    message: 'One at a time.',
  });
  end('first');
  await expect(first).resolves.toBe('first');
  await expect(one(async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  await expect(one(async () => 'third')).resolves.toBe('third');
});
