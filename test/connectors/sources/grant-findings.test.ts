import { expect, test } from 'vitest';
import { grantFindings, surelyReadable } from '../../../connectors/sources/mariadb/grant-findings.ts';

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

test('its own two tables are made, read, filled, written over and emptied: each right is asked for', () => {
  const GLOBAL = 'GRANT REPLICATION SLAVE, BINLOG MONITOR, RELOAD ON *.* TO `app`@`%`';
  const wrong = (...privileges: readonly string[]) =>
    grantFindings('app@%', [GLOBAL, `GRANT ${privileges.join(', ')} ON \`freshet\`.* TO \`app\`@\`%\``])
      .filter(({ ok }) => !ok)
      .map(({ change }) => change);
  const needed = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE'];
  expect(wrong(...needed)).toEqual([]);
  expect(wrong('ALL PRIVILEGES')).toEqual([]);
  for (const missing of needed)
    expect(wrong(...needed.filter((each) => each !== missing))).toEqual([
      "GRANT ALL PRIVILEGES ON freshet.* TO 'app'@'%';",
    ]);
});
