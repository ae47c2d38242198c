/** URLs of sources that the driver may take and Debezium cannot, or that a raw character in the password breaks. */
import { expect, test } from 'vitest';
import { SOURCE_KINDS } from '../../../connectors/sources/source-kinds.ts';

test.each([
  ['no database', 'postgres://app:secret@localhost'],
  ['a raw %', 'postgres://app:sec%ret@localhost/shop'],
  ['a raw #', 'postgres://app:secret#1@localhost/shop'],
  ['a raw ?', 'postgres://app:secret?1@localhost/shop'],
  ['a raw /', 'postgres://app:secret/1@localhost/shop'],
  ['a raw / behind what may be a port', 'postgres://app:12/secret@localhost/shop'],
  ['no host', 'postgres:///shop'],
  ['a raw / of MariaDB', 'mysql://app:secret/1@localhost/shop'],
])('%s is said at once, by init and by a start, without the password', async (_, url) => {
  const kind = url.startsWith('mysql') ? SOURCE_KINDS.mariadb : SOURCE_KINDS.postgres;
  const wrong = (message: string) => ({
    code: 'config-invalid',
    message: expect.stringMatching(message),
  });
  expect(() => kind.databaseOf(url)).toThrow(expect.objectContaining(wrong('percent-encoded')));
  const place = { source: 'shop', url, tables: [] };
  for (const read of [kind.survey, kind.prepare]) {
    const said = await read(place).catch((error: unknown) => error);
    expect(said).toMatchObject(wrong('the source shop .*percent-encoded'));
    expect(String(said)).not.toMatch(/secret|12/);
  }
});

test('a database is read as it is named', () => {
  expect(SOURCE_KINDS.postgres.databaseOf('postgres://app:p%23%25@localhost:5/my%2Fshop')).toBe('my/shop');
  expect(SOURCE_KINDS.mariadb.databaseOf('mysql://app:p%23@localhost')).toBe('');
});
