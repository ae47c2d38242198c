import { expect, test } from 'vitest';
import { toError } from '../../schemas/errors.ts';

test('a host none of whose addresses answers says why', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED ::1:5432'), { code: 'ECONNREFUSED' });
  const all = Object.assign(new AggregateError([refused, refused]), { code: 'ECONNREFUSED' });
  expect(toError(all)).toMatchObject({ message: refused.message, code: 'ECONNREFUSED', cause: all });
  expect(toError(Object.assign(new Error(''), { code: 'EPIPE' }))).toMatchObject({ message: 'EPIPE' });
});

test('whatever was thrown is an Error', () => {
  const silent = new Error('');
  expect(toError(silent)).toBe(silent);
  expect(toError('text').message).toBe('text');
  const hostile = Object.defineProperty(new Error(''), 'errors', {
    get: () => {
      throw new Error('no');
    },
  });
  expect(toError(hostile)).toBeInstanceOf(Error);
});
