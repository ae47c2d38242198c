/** What the routes of a change of embedding model refuse, would do, and do. It is one record for everybody, and gone at the end. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { addModelLaneCommands } from '../../cli/commands/model-lanes.ts';
import type { Surroundings } from '../../cli/commands/surroundings.ts';
import type { LaneService } from '../../connectors/index-service/lane-service.ts';
import type { KafkaClient, RecordToAppend } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { sendLaneCommand } from '../../gateway/send-lane-command.ts';
import { followLanes } from '../../pipelines/follow-lanes.ts';
import { readLanes } from '../../pipelines/read-lanes.ts';
import { systemClock } from '../../schemas/clock.ts';
import { FreshetError } from '../../schemas/errors.ts';
import {
  initialLanes,
  LANES_KEY,
  type LaneCommand,
  type ModelLanes,
  moveLanes,
} from '../../schemas/model-lanes.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { runCommand } from '../support/run-command.ts';
import { until } from '../support/until.ts';
import { type GatewayUnderTest, openKafkaAndCodec, startGatewayUnderTest } from './gateway-under-test.ts';

const BASE = 'all-minilm-l6-v2';
const measured = (model: string) => ({ model, queries: 3, found: 1, p50Ms: 1, p95Ms: 1, recall: 1 });
/** What an index replica answers with. */
let answering: string = BASE;
const lanes: LaneService = {
  lanes: async () => ({ wanted: { ...initialLanes(BASE), serving: answering }, answering, lanes: [] }),
  measure: async () => ({
    serving: measured(BASE),
    candidate: measured('feature-hash-384'),
    overlap: 1,
    behind: 0,
  }),
};

let under: GatewayUnderTest;
let kafka: KafkaClient;
const clear = () => under.put({ topic: TOPICS.control.name, key: LANES_KEY, value: null });
const inLog = async () => (await readLanes(kafka, under.codec, BASE)).standing;

beforeAll(async () => {
  under = await startGatewayUnderTest({ lanes });
  ({ kafka } = await openKafkaAndCodec());
  await clear();
});
afterAll(async () => {
  await clear();
  await kafka.close();
  await under.close();
});

const post = (verb: string, body?: object) =>
  under.call(`/v1/index/${verb}`, {
    method: 'POST',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });

test('a dry run says what would hold, and what cannot be done is a conflict or not found', async () => {
  const asked = { model: 'feature-hash-384', backfillPerSecond: 50, dryRun: true };
  const would = { serving: BASE, candidate: 'feature-hash-384', backfillPerSecond: 50 };
  expect(await post('reembed', asked)).toMatchObject({ status: 202, body: { dryRun: true, wanted: would } });
  expect((await post('reembed', { model: 'nobody-s' })).status).toBe(404);
  for (const verb of ['revert', 'finish', 'abandon']) expect((await post(verb)).status).toBe(409);
  expect((await under.call('/v1/index/lanes')).body).toMatchObject({ answering: BASE });
  expect(await inLog()).toMatchObject({ lanes: initialLanes(BASE), control: null });
});

test('what was measured too little is not cut over to; a dry run says why', async () => {
  const asked = { model: 'feature-hash-384', backfillPerSecond: 50, reason: 'in a test' };
  expect((await post('reembed', asked)).status).toBe(202);
  expect(await inLog()).toMatchObject({
    lanes: { candidate: 'feature-hash-384', backfillPerSecond: 50 },
    control: { action: 'reembed', by: 'local', reason: 'in a test' },
  });
  const refused = await post('cutover', { reason: 'in a test' });
  expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } });
  expect(refused.body).toMatchObject({ detail: expect.stringContaining('only 3 documents') });
  expect(await post('cutover', { dryRun: true })).toMatchObject({
    status: 202,
    body: { dryRun: true, wanted: { serving: 'feature-hash-384' }, against: [expect.any(String)] },
  });
});

test('at the terminal, too, a dry run says what was measured and what speaks against it', async () => {
  const peer = createServer((request, reply) => {
    const answer = request.url?.endsWith('/measure') ? lanes.measure(1) : lanes.lanes();
    void answer.then((each) => reply.end(JSON.stringify(each)));
  });
  await new Promise<void>((resolve) => void peer.listen(0, '127.0.0.1', resolve));
  const { kafka: broker, schemaRegistry } = inject('stack');
  const run = {
    ...{ kafka: broker, schemaRegistry: `${schemaRegistry}/apis/ccompat/v7` },
    index: `http://127.0.0.1:${(peer.address() as AddressInfo).port}`,
  };
  const add = (freshet: Command, surroundings: Surroundings) =>
    addModelLaneCommands(freshet.command('index'), surroundings);
  const cutover = (...words: readonly string[]) => runCommand(add, run, ['index', 'cutover', ...words]);
  try {
    const { stdout } = await cutover('--dry-run', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ comparison: { candidate: { queries: 3 } }, wanted: { serving: 'feature-hash-384' } },
      against: [expect.stringContaining('only 3 documents')],
    });
    const said = (await cutover('--dry-run')).stdout;
    expect(said).toContain('feature-hash-384: finds 100 % of 3 documents by title');
    expect(said).toContain('against it: only 3 documents');
    expect(said).toContain('would not be cut over');
    expect((await cutover('--dry-run', '--force')).stdout).toContain('feature-hash-384 would answer');
    await expect(cutover('--yes')).rejects.toMatchObject({ code: 'check-failed' });
    expect((await inLog()).lanes.serving).toBe(BASE);
  } finally {
    peer.close();
  }
});

test('of two commands that go on from the same state the first in the log holds, and the other is told', async () => {
  const before = await inLog();
  const appended: RecordToAppend[][] = [];
  // Both have read what stands before either is written.
  let both: () => void = () => undefined;
  const together = new Promise<void>((resolve) => {
    both = resolve;
  });
  const writer = {
    append: async (records: readonly RecordToAppend[]) => {
      appended.push([...records]);
      if (appended.length === 2) both();
      await together;
      return under.put(...records);
    },
  };
  const send = (command: LaneCommand) =>
    sendLaneCommand(
      { kafka, codec: under.codec, writer },
      {
        ...{ before, next: moveLanes(before.lanes, command), action: command.action },
        ...{ at: systemClock(), by: 'local', reason: null },
      },
    );
  const commands: readonly LaneCommand[] = [
    { action: 'cutover' },
    { action: 'reembed', model: 'feature-hash-384', backfillPerSecond: 7 },
  ];
  const told = await Promise.allSettled(commands.map(send));
  expect(told.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  const [winner] = commands.filter((_, at) => told[at]?.status === 'fulfilled');
  expect(told.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } });
  const after = await readLanes(kafka, under.codec, BASE);
  expect(after.standing.lanes).toEqual(winner && moveLanes(before.lanes, winner));
  // And it is what compaction keeps.
  expect(after.newest).toBe(after.standing.control?.id);
  // Each audited before it is on freshet.control.
  expect(appended.map(([record]) => record?.topic).slice(0, 4)).toEqual([
    ...['freshet.audit', 'freshet.audit'],
    ...['freshet.control', 'freshet.control'],
  ]);
});

test('what was cut over from is given up once no index replica answers with it', async () => {
  const reason = 'in a test';
  if ((await inLog()).lanes.candidate !== null)
    expect((await post('cutover', { force: true, reason })).status).toBe(202);
  const early = await post('finish', { reason });
  expect(early).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining(`with ${BASE} still`) },
  });
  expect((await inLog()).lanes.previous).toBe(BASE);
  answering = 'feature-hash-384';
  expect(await post('finish', { reason })).toMatchObject({
    status: 202,
    body: { wanted: { previous: null } },
  });
  answering = BASE;
});

test('a follower opens no lane before it has read what stands: while the registry is away it says why it waits', async () => {
  await clear();
  const started = await inLog();
  const next = moveLanes(started.lanes, {
    action: 'reembed',
    model: 'feature-hash-384',
    backfillPerSecond: 3,
  });
  await sendLaneCommand(
    { kafka, codec: under.codec, writer: { append: (records) => under.put(...records) } },
    { before: started, next, action: 'reembed', at: systemClock(), by: 'local', reason: null },
  );
  let away = true;
  const codec: RecordCodec = {
    ...under.codec,
    decode: (name, value) =>
      away
        ? Promise.reject(new FreshetError('registry-unavailable', 'away'))
        : under.codec.decode(name, value),
  };
  const opened: ModelLanes[] = [];
  const told: string[] = [];
  const following = followLanes({
    ...{ name: 'waits', kafka, codec, base: BASE, readWithinMs: 200 },
    onLanes: async (found) => {
      opened.push(found);
    },
    onTrouble: (error) => told.push(error.message),
  });
  try {
    await until('it says why', () => told.some((each) => each.includes('is not read to its end yet')));
    expect(opened).toEqual([]);
  } finally {
    away = false;
    await (await following).close();
  }
  expect(opened).toEqual([next]);
});
