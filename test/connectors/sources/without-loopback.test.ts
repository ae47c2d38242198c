import { expect, test } from 'vitest';
import { withoutLoopback } from '../../../connectors/sources/without-loopback.ts';

test.each([
  [
    'postgres://a:p%40ss@localhost:5432/shop?sslmode=disable',
    'postgres://a:p%40ss@host.docker.internal:5432/shop?sslmode=disable',
  ],
  ['mysql://a:b@127.0.0.1:3306/shop', 'mysql://a:b@host.docker.internal:3306/shop'],
  ['postgres://a:b@[::1]/shop', 'postgres://a:b@host.docker.internal/shop'],
  ['postgres://a:b@db.example:5432/shop', 'postgres://a:b@db.example:5432/shop'],
  ['postgres://a:b@127.0.0.1.example/shop', 'postgres://a:b@127.0.0.1.example/shop'],
])('%s', (url, expected) => {
  expect(withoutLoopback(url, 'host.docker.internal')).toBe(expected);
});
