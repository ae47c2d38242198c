import { expect, test } from 'vitest';
import { targetOf } from '../../../connectors/web/fetch-target.ts';
import { type Hop, nextHop } from '../../../connectors/web/next-hop.ts';
import { FETCH_POLICY_SCHEMA, insideHostOf } from '../../../schemas/fetch-policy.ts';

const asked: Hop = {
  method: 'POST',
  url: new URL('https://shop.example/orders'),
  headers: new Headers({
    authorization: 'Bearer secret',
    cookie: 'id=1',
    'x-api-key': 'secret',
    'content-type': 'application/json',
    accept: 'text/plain',
  }),
  body: Buffer.from('{}'),
};
const after = (status: number, location: string, hop: Partial<Hop> = {}) =>
  nextHop({ ...asked, ...hop }, { status, location }, 'shop.example');

test('a host is let in by its exact name and port, and by no other spelling of either', () => {
  const allowed = new Set(
    ['tickets.internal:8080', '[::1]:80', '10.0.0.7:443'].flatMap((entry) => insideHostOf(entry) ?? []),
  );
  const isLetIn = (address: string) => targetOf(address, allowed).mayBeInside;
  for (const address of [
    'http://tickets.internal:8080/a',
    'https://TICKETS.internal:8080',
    'http://[0::1]/',
    'https://10.7',
  ])
    expect(isLetIn(address), address).toBe(true);
  for (const address of [
    ...['http://tickets.internal/', 'http://tickets.internal:8081', 'http://tickets.internal.:8080'],
    ...['http://a.tickets.internal:8080', 'https://[::1]/', 'http://10.0.0.7/', 'http://10.0.0.8:443'],
  ])
    expect(isLetIn(address), address).toBe(false);
});

test.each([
  'tickets',
  'tickets:',
  ':80',
  '*:80',
  '*.internal:80',
  'http://a:80',
  'a:80/b',
  'u@a:80',
  'a:0',
  'a:65536',
  '::1:80',
])('%s is no host and port, and is refused at start', (entry) => {
  expect(insideHostOf(entry)).toBeNull();
  expect(FETCH_POLICY_SCHEMA.safeParse({ allowInside: [entry] }).success).toBe(false);
});

test('to another origin goes nothing that anybody might not see; to the same, all', () => {
  const same = after(307, '/elsewhere');
  expect(same).toMatchObject({ method: 'POST', body: asked.body });
  expect(same?.headers.get('authorization')).toBe('Bearer secret');
  for (const location of [
    'https://other.example/',
    'http://shop.example/orders',
    'https://shop.example:8443/',
  ]) {
    const hop = after(302, location);
    expect(hop).toMatchObject({ method: 'GET', body: null });
    expect(Object.fromEntries(hop?.headers ?? [])).toEqual({ accept: 'text/plain' });
  }
});

test('a write is not sent on to another origin', () => {
  for (const method of ['POST', 'DELETE'])
    expect(() => after(307, 'https://other.example/', { method, body: null })).toThrow(/redirected-write/);
  expect(after(308, 'https://other.example/', { method: 'HEAD', body: null })).toMatchObject({
    method: 'HEAD',
  });
  expect(after(303, 'https://other.example/', { method: 'PUT' })).toMatchObject({
    method: 'GET',
    body: null,
  });
});

test('what is no redirect is the last answer', () => {
  expect(after(200, '/a')).toBeNull();
  expect(after(304, '/a')).toBeNull();
  expect(nextHop(asked, { status: 302, location: undefined }, 'shop.example')).toBeNull();
  expect(() => after(302, 'http://')).toThrow(/forbidden|no address/);
});
