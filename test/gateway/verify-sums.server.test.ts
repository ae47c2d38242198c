/** A comparison of which one table differs and another cannot be read: the lines tell of both. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReplicaReport } from '../../pipelines/reconcile/reconcile-sources.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { type GatewayUnderTest, startGatewayUnderTest } from './gateway-under-test.ts';

const REPORT: ReplicaReport = {
  ...{ source: 'shop', table: 'public.a', index: 'index-1', rows: 9, repaired: 1, inFlight: 0 },
  divergent: [
    { documentId: 'shop/public.a/1', divergence: 'missing' },
    { documentId: 'shop/public.a/2', divergence: 'missing' },
    // A report also says what the repair goes on from; nobody asks for it here.
  ] as never,
  unsettled: ['shop/public.a/3'],
};
let under: GatewayUnderTest;

beforeAll(async () => {
  under = await startGatewayUnderTest({
    compare: async function* ({ table }) {
      if (table === undefined) yield REPORT;
      throw new FreshetError('table-unreadable', 'shop/public.b was not compared: no right to');
    },
  });
});
afterAll(() => under?.close());

const verify = async (body: object) => {
  const answer = await fetch(`${under.gateway.url}/v1/index/verify`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  });
  const text = await answer.text();
  return {
    status: answer.status,
    lines: text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  };
};

test('the sums of what was compared stand before the problem of what could not be', async () => {
  const { status, lines } = await verify({});
  expect(status).toBe(200);
  expect(lines.slice(-2)).toMatchObject([
    { done: false, divergent: 1, repaired: 1, unsettled: 1 },
    { error: { code: 'table-unreadable' } },
  ]);
});

test('where nothing was compared the answer is the problem alone', async () => {
  expect(await verify({ table: 'public.b' })).toMatchObject({
    ...{ status: 409, lines: [{ code: 'table-unreadable' }] },
  });
});
