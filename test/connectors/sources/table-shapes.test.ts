import { expect, test } from 'vitest';
import { shapesOf } from '../../../connectors/sources/table-shapes.ts';

const column = (name: string, type: string, place: number | null = null) => ({
  ...{ table: 'public.a', identity: '7', column: name, type, place },
});
const identityOf = (...columns: readonly ReturnType<typeof column>[]) =>
  shapesOf(columns).get('public.a')?.identity;

test('a table is another under another primary key, as its rows then have other keys; a wider one is the same', () => {
  const before = identityOf(column('body', 'text'), column('id', 'integer', 1));
  expect(identityOf(column('id', 'bigint', 1), column('body', 'jsonb'))).toBe(before);
  for (const others of [
    [column('number', 'integer', 1)],
    [column('id', 'text', 1)],
    [column('id', 'integer', 1), column('part', 'integer', 2)],
  ])
    expect(identityOf(...others)).not.toBe(before);
  expect(identityOf(column('a', 'varchar', 2), column('b', 'uuid', 1))).toBe('7/b:uuid,a:text');
});
