import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { targetOf } from '../../../connectors/web/fetch-target.ts';
import { insideOf } from '../../../connectors/web/inside-address.ts';
import { FreshetError } from '../../../schemas/errors.ts';

/** Of an address whose host is no name to look up: why it is refused, or null. */
const judged = (address: string): string | null => {
  try {
    return insideOf(targetOf(address, new Set()).host);
  } catch (error) {
    return error instanceof FreshetError ? String(error.details?.rule) : 'thrown';
  }
};

describe('however it is spelt, it is inside', () => {
  test.each([
    ['http://127.0.0.1', 'loopback'],
    ['http://2130706433/', 'loopback'],
    ['http://017700000001', 'loopback'],
    ['http://0177.0.0.1', 'loopback'],
    ['http://0x7f000001', 'loopback'],
    ['http://0x7f.0.0.0x1', 'loopback'],
    ['http://127.1', 'loopback'],
    ['http://127.0.1', 'loopback'],
    ['http://127.0.0.1.', 'loopback'],
    ['http:127.0.0.1', 'loopback'],
    ['http:\\\\127.0.0.1', 'loopback'],
    ['http://%31%32%37.0.0.1', 'loopback'],
    ['http://１２７.0.0.1', 'loopback'],
    ['http://①②⑦。0。0。1', 'loopback'],
    ['https://127.255.255.254:65535', 'loopback'],
    ['http://[::1]', 'loopback'],
    ['http://[0:0:0:0:0:0:0:1]', 'loopback'],
    ['http://[::]', 'unspecified'],
    ['http://0', 'unspecified'],
    ['http://0.0.0.0', 'unspecified'],
    ['http://169.254.169.254/latest/meta-data/', 'link-local'],
    ['http://0xa9fea9fe', 'link-local'],
    ['http://[fe80::1]', 'link-local'],
    ['http://10.0.0.1', 'private'],
    ['http://012.1', 'private'],
    ['http://172.31.255.255', 'private'],
    ['http://192.168.0.1', 'private'],
    ['http://[fd00:ec2::254]', 'private'],
    ['http://[fec0::1]', 'private'],
    ['http://100.100.100.200', 'shared'],
    ['http://168.63.129.16', 'platform'],
    ['http://224.0.0.251', 'multicast'],
    ['http://[ff02::1]', 'multicast'],
    ['http://255.255.255.255', 'reserved'],
    ['http://192.0.0.192', 'reserved'],
    ['http://198.19.255.255', 'reserved'],
    ['http://192.0.2.1', 'documentation'],
    ['http://[2001:db8::1]', 'documentation'],
    ['http://[3fff::1]', 'documentation'],
    ['http://[2001:2::1]', 'reserved'],
    ['http://[5f00::1]', 'reserved'],
    ['http://[::ffff:127.0.0.1]', 'embedded'],
    ['http://[::ffff:7f00:1]', 'embedded'],
    ['http://[::127.0.0.1]', 'embedded'],
    ['http://[::ffff:0:127.0.0.1]', 'embedded'],
    ['http://[2002:7f00:1::]', 'embedded'],
    ['http://[2001:0:a9fe:a9fe::]', 'embedded'],
    ['http://[64:ff9b:1::7f00:1]', 'embedded'],
    ['http://[64:ff9b::7f00:1]', 'loopback'],
    ['http://[64:ff9b::169.254.169.254]', 'link-local'],
    ['http://[64:ff9b::]', 'unspecified'],
    ['http://localhost', 'inside'],
    ['http://LOCALHOST.:8080', 'inside'],
    ['http://app.localhost', 'inside'],
    ['http://a.b.localhost.', 'inside'],
  ])('%s: %s', (address, why) => {
    expect(judged(address)).toBe(why);
  });
});

test.each([
  ['ftp://8.8.8.8', 'scheme'],
  ['file:///etc/passwd', 'scheme'],
  ['gopher://127.0.0.1:6379/_FLUSHALL', 'scheme'],
  ['data:text/plain,secret', 'scheme'],
  ['http://user@8.8.8.8', 'userinfo'],
  ['http://8.8.8.8:80@127.0.0.1', 'userinfo'],
  ['http://:secret@8.8.8.8', 'userinfo'],
  ['//8.8.8.8', 'address'],
  ['http://[fe80::1%25eth0]', 'address'],
  ['http://4294967296', 'address'],
  ['http://999.0.0.1', 'address'],
])('%s is refused: %s', (address, rule) => {
  expect(judged(address)).toBe(rule);
});

test.each([
  ...[
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
  ],
  ...['169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0'],
  ...['198.17.255.255', '198.20.0.0', '223.255.255.255'],
  ...['[2606:4700::1111]', '[2001:200::1]', '[2003::1]', '[2a00::1]', '[64:ff9b::8.8.8.8]'],
])('%s is public, at the edge of what is not', (host) => {
  expect(judged(`https://${host}/`)).toBeNull();
});

test('what is no address, has a zone, or is of this machine, is inside', () => {
  for (const address of ['', 'nonsense', '127.1', '0177.0.0.1', '8.8.8.8 ', '[::1]'])
    expect(insideOf(address)).toBe('reserved');
  expect(insideOf('2606:4700::1111%eth0')).toBe('link-local');
  expect(insideOf('8.8.8.8', new Set(['8.8.8.8']))).toBe('own');
});

test('an IPv4 address behind NAT64 is what it is by itself; mapped, it is never public', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(byte, byte, byte, byte, (a, b, c, d) => {
      const low = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16)).join(':');
      expect(insideOf(`64:ff9b::${low}`)).toBe(insideOf(`${a}.${b}.${c}.${d}`));
      expect(insideOf(`::ffff:${low}`)).not.toBeNull();
    }),
  );
});
