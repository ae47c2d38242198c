import { expect, test } from 'vitest';
import { binlogFindings } from '../../../connectors/sources/mariadb/binlog-findings.ts';
import { replicaIdOf } from '../../../connectors/sources/mariadb/connector-config.ts';
import { mariadbAddress } from '../../../connectors/sources/mariadb/mariadb-connection.ts';

const READY = {
  version: '10.11.19-MariaDB-log',
  log_bin: 'ON',
  binlog_format: 'ROW',
  binlog_row_image: 'FULL',
  server_id: '1',
};

test('a server that is ready', () => {
  for (const version of [
    READY.version,
    '10.5.29-MariaDB-1:10.5.29+maria~deb11',
    '11.4.2-MariaDB',
    '12.0.2-MariaDB',
  ])
    expect(binlogFindings({ ...READY, version }).filter(({ ok }) => !ok)).toEqual([]);
});

test.each([
  ['no binlog', { log_bin: 'OFF' }, /log_bin = binlog/],
  ['statements', { binlog_format: 'MIXED' }, /SET GLOBAL binlog_format = 'ROW'/],
  ['rows in part', { binlog_row_image: 'MINIMAL' }, /SET GLOBAL binlog_row_image = 'FULL'/],
  ['no server id', { server_id: '0' }, /SET GLOBAL server_id/],
  ['events without positions', { binlog_legacy_event_pos: 'OFF' }, /SET GLOBAL binlog_legacy_event_pos = ON/],
  ['MySQL', { version: '8.0.36' }, /MySQL itself is not supported/],
  ['MySQL that is older than MariaDB may be', { version: '5.7.44-log' }, /MySQL itself is not supported/],
  ['MariaDB of before BINLOG MONITOR', { version: '10.4.34-MariaDB-log' }, /MariaDB 10\.5 or newer/],
  ['an old MariaDB', { version: '5.5.68-MariaDB' }, /MariaDB 10\.5 or newer/],
])('%s is one finding, with the change that mends it', (_, different, change) => {
  const wrong = binlogFindings({ ...READY, ...different }).filter(({ ok }) => !ok);
  expect(wrong).toEqual([expect.objectContaining({ change: expect.stringMatching(change) })]);
});

test('an address, and none that is shown', () => {
  expect(mariadbAddress('mysql://some%40one:p%2Fw@db:3307/shop?tls=trust')).toEqual({
    ...{ host: 'db', port: 3307, user: 'some@one', password: 'p/w', database: 'shop', tls: 'trust' },
  });
  expect(mariadbAddress('mariadb://a:b@db/')).toMatchObject({ port: 3306, database: '', tls: 'disable' });
  for (const url of ['postgres://a:secret@db/x', 'mysql://a:secret@db/x?tls=maybe', 'secret'])
    expect(() => mariadbAddress(url)).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: expect.not.stringContaining('secret') }),
    );
});

test('two sources are two replicas, and the same ones after a restart', () => {
  expect(replicaIdOf('shop')).toBe(replicaIdOf('shop'));
  expect(replicaIdOf('shop')).not.toBe(replicaIdOf('shop-2'));
  expect(replicaIdOf('shop')).toBeLessThan(2 ** 31);
});
