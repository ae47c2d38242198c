import { expect, test } from 'vitest';
import { surelyReadable } from '../../../connectors/sources/mariadb/grant-findings.ts';

const readable = (...grants: readonly string[]) => [
  ...surelyReadable(
    grants.map((grant) => `GRANT ${grant} TO \`app\`@\`%\``),
    ['my_shop.a', 'my_shop.b', 'other.a'],
  ),
];

test('tables that a grant opens are not asked one by one; what it says nothing of is tried', () => {
  expect(readable('SELECT ON *.*')).toEqual(['my_shop.a', 'my_shop.b', 'other.a']);
  expect(readable('ALL PRIVILEGES ON `my\\_shop`.*')).toEqual(['my_shop.a', 'my_shop.b']);
  expect(readable('SELECT, INSERT ON `my_shop`.`b`')).toEqual(['my_shop.b']);
  for (const grant of ['INSERT ON *.*', 'SELECT (id) ON `other`.`a`', 'SELECT ON `my%`.*', 'USAGE ON *.*'])
    expect(readable(grant)).toEqual([]);
});
