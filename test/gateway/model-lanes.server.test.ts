/**
 * What the routes of a change of embedding model refuse, and what they would do. What they do is one record for everybody
 * (send-lane-command.test.ts), so it is not done in the log that all tests share.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LaneService } from '../../connectors/index-service/lane-service.ts';
import { initialLanes } from '../../schemas/model-lanes.ts';
import { type GatewayUnderTest, startGatewayUnderTest } from './gateway-under-test.ts';

const measured = (model: string) => ({ model, queries: 3, found: 1, p50Ms: 1, p95Ms: 1, recall: 1 });
let wanted = initialLanes('all-minilm-l6-v2');
const lanes: LaneService = {
  lanes: async () => ({ wanted, answering: wanted.serving, lanes: [] }),
  measure: async () => ({
    serving: measured(wanted.serving),
    candidate: measured(wanted.candidate ?? ''),
    overlap: 1,
    behind: 0,
  }),
};

let under: GatewayUnderTest;
beforeAll(async () => {
  under = await startGatewayUnderTest({ lanes });
});
afterAll(() => under.close());

const post = (verb: string, body?: object) =>
  under.call(`/v1/index/${verb}`, {
    method: 'POST',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });

test('a dry run says what would hold, and what cannot be done is a conflict or not found', async () => {
  const asked = { model: 'feature-hash-384', backfillPerSecond: 50, dryRun: true };
  const would = { serving: 'all-minilm-l6-v2', candidate: 'feature-hash-384', backfillPerSecond: 50 };
  expect(await post('reembed', asked)).toMatchObject({ status: 202, body: { dryRun: true, wanted: would } });
  expect((await post('reembed', { model: 'nobody-s' })).status).toBe(404);
  for (const verb of ['revert', 'finish', 'abandon']) expect((await post(verb)).status).toBe(409);
  expect((await under.call('/v1/index/lanes')).body).toMatchObject({ answering: 'all-minilm-l6-v2' });
});

test('what was measured too little is not cut over to; a dry run says why', async () => {
  wanted = { ...wanted, candidate: 'feature-hash-384' };
  const refused = await post('cutover', { reason: 'in a test' });
  expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } });
  expect(refused.body).toMatchObject({ detail: expect.stringContaining('only 3 documents') });
  expect(await post('cutover', { dryRun: true })).toMatchObject({
    status: 202,
    body: { dryRun: true, wanted: { serving: 'feature-hash-384' }, against: [expect.any(String)] },
  });
});
