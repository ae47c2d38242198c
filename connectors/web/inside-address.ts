/**
 * Which IP addresses are not of the public internet, by IANA's registries of special-purpose addresses. Of IPv6 only what
 * is handed out as global unicast is public: what nobody thought of is inside. Pure.
 */
import { BlockList, isIP } from 'node:net';

const RANGES = {
  unspecified: ['0.0.0.0/8', '::/128'],
  loopback: ['127.0.0.0/8', '::1/128'],
  // Metadata of a cloud's machine, credentials among it, is at 169.254.169.254.
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10'],
  shared: ['100.64.0.0/10'],
  // Public by its number, and answered by the host of an Azure machine to that machine alone.
  platform: ['168.63.129.16/32'],
  multicast: ['224.0.0.0/4', 'ff00::/8'],
  // An IPv4 address in an IPv6 address: mapped, compatible, translated, local NAT64, Teredo, 6to4 and its relays.
  embedded: [
    ...['::ffff:0:0/96', '::/96', '::ffff:0:0:0/96', '64:ff9b:1::/48', '2001::/32', '2002::/16'],
    '192.88.99.0/24',
  ],
  documentation: [...['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20']],
  reserved: ['192.0.0.0/24', '198.18.0.0/15', '240.0.0.0/4', '2001::/23'],
} as const satisfies Record<string, readonly string[]>;

/** Why an address is inside. `own`: of this machine, though public by its number. */
export type Inside = keyof typeof RANGES | 'own';

type Family = 'ipv4' | 'ipv6';

const listOf = (ranges: readonly string[], family: Family): BlockList => {
  const list = new BlockList();
  for (const range of ranges) {
    const [net = '', prefix] = range.split('/');
    if (isIP(net) === (family === 'ipv4' ? 4 : 6)) list.addSubnet(net, Number(prefix), family);
  }
  return list;
};

// One list a family: a list of both holds every IPv4 address against ::ffff:0:0/96.
const tableOf = (family: Family): readonly (readonly [Inside, BlockList])[] =>
  (Object.entries(RANGES) as [Inside, readonly string[]][]).map(([why, ranges]) => [
    why,
    listOf(ranges, family),
  ]);
const TABLES = { ipv4: tableOf('ipv4'), ipv6: tableOf('ipv6') };
const GLOBAL_UNICAST = listOf(['2000::/3'], 'ipv6');
/** Where IPv4 is reached by IPv6 alone, every name that has no address of its own is answered with one of these. */
const NAT64 = listOf(['64:ff9b::/96'], 'ipv6');

/**
 * Null for a public address.
 *
 * @param address as a resolver or a URL gives it, without brackets; what is no address, or has a zone, is inside
 * @param own addresses of this machine: what listens on one is behind the same firewall
 */
export const insideOf = (address: string, own: ReadonlySet<string> = new Set()): Inside | null => {
  // BlockList finds what it cannot read in none of its ranges.
  if (isIP(address) === 0) return 'reserved';
  if (address.includes('%')) return 'link-local';
  const why = isIP(address) === 4 ? foundIn('ipv4', address) : whyOfIpv6(address);
  return why ?? (own.has(address) ? 'own' : null);
};

const whyOfIpv6 = (address: string): Inside | null => {
  if (NAT64.check(address, 'ipv6')) return foundIn('ipv4', lastFourOf(address));
  return foundIn('ipv6', address) ?? (GLOBAL_UNICAST.check(address, 'ipv6') ? null : 'reserved');
};

const foundIn = (family: Family, address: string): Inside | null =>
  TABLES[family].find(([, list]) => list.check(address, family))?.[0] ?? null;

/** The IPv4 address that an IPv6 address ends in. */
const lastFourOf = (address: string): string => {
  // Of the shortest form, which has no dots; what it leaves out are zeros.
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1).split(':');
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group || '0', 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
};
