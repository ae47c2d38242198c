/** Alerts on real Kafka: what burns is told once, on the topic and by the webhook, and a successor neither repeats nor forgets it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { raiseAlerts } from '../../pipelines/track-freshness/raise-alerts.ts';
import { systemClock } from '../../schemas/clock.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { Alert, RecordName, Timing, WatermarkPoint } from '../../schemas/records.ts';
import { UNTRACKED } from '../../schemas/search.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { makeVersion } from '../../schemas/version.ts';
import { planeConfig } from '../support/plane.config.ts';
import { until } from '../support/until.ts';

const SOURCE = 'alerting';
const OTHERS = 'agent:alerting';

const openServers = async () => {
  const stack = inject('stack');
  const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'test-alerts' });
  await kafka.admin.createTopics(Object.values(TOPICS));
  const codec = await openRecordCodec(openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`));
  return { kafka, codec, writer: openRecordWriter(kafka) };
};

let servers: Awaited<ReturnType<typeof openServers>>;
let url: string;
const posted: Record<string, unknown>[] = [];
const troubles: Error[] = [];
let failures = 1;

/** Slow, as what is far away is: a stop finds an alert on its way. */
const ANSWERS_AFTER_MS = 300;

/** The first request fails, as a webhook does now and then. */
const webhook = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    failures -= 1;
    const alert = JSON.parse(body);
    // Other tests of the run raise alerts too.
    if (failures < 0 && [SOURCE, OTHERS].includes(alert.source)) posted.push(alert);
    const status = failures >= 0 ? 503 : 204;
    setTimeout(() => response.writeHead(status).end(), ANSWERS_AFTER_MS);
  });
});

beforeAll(async () => {
  servers = await openServers();
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/hook`;
}, 360_000);

afterAll(async () => {
  webhook.close();
  await servers?.writer.close();
  await servers?.kafka.close();
});

const start = (codec: RecordCodec = servers.codec) => {
  const config = planeConfig(SOURCE);
  const watermark = { ...UNTRACKED, state: 'known' as const, reason: null, stalenessMs: 100 };
  return raiseAlerts({
    ...{ ...servers, codec },
    config: { ...config, freshness: { ...config.freshness, webhook: url } },
    index: { watermarks: async () => ({ [SOURCE]: watermark }) },
    clock: systemClock,
    everyMs: 100,
    onTrouble: (_, error) => troubles.push(error),
  });
};

const commit = (key: number, seconds: number): Timing => {
  const now = systemClock();
  const committedAt = now - seconds * 1_000_000;
  return {
    ...{ documentId: `${SOURCE}/public.articles/${key}`, source: SOURCE, table: 'public.articles' },
    ...{ version: makeVersion(1, [5n, BigInt(key)]), kind: 'document', outcome: 'applied', index: 'index-1' },
    ...{ committedAt, capturedAt: committedAt, inKafkaAt: committedAt, gatedAt: committedAt },
    ...{
      embeddedAt: now,
      appendedAt: now,
      appliedAt: now,
      searchableAt: now,
      clockOffsetMicros: 0,
      basis: 'commit',
    },
  };
};

const write = (from: number, count: number, seconds: number) =>
  servers.writer.append(
    Array.from({ length: count }, (_, at) => {
      const timing = commit(from + at, seconds);
      const value = servers.codec.encode('Timing', timing);
      return { topic: TOPICS.freshness.name, key: timing.documentId, value };
    }),
  );

const tellOthers = (state: Alert['state'], at: number, kind: Alert['kind'] = 'failing') => {
  const alert: Alert = {
    ...{ source: OTHERS, kind, severity: 'page', state, since: at, at },
    ...{ value: 1, threshold: 0.25, summary: 'they fail', slowestStage: null },
  };
  const value = servers.codec.encode('Alert', alert);
  return servers.writer.append([{ topic: TOPICS.alerts.name, key: `${OTHERS}/${kind}`, value }]);
};

/** As the tracker of a pipeline does while it runs. */
const tellTracked = (at: number) => {
  const point: WatermarkPoint = {
    ...{ source: SOURCE, epoch: 1, state: 'unknown', reason: 'snapshot', position: null, at },
    ...{ committedAt: 0, observedAt: 0, documentEnds: [], heldTables: [], probe: null },
    ...{ clockOffsetMicros: null, clockErrorMicros: null, quarantined: 0, deadLettered: 0 },
  };
  const value = servers.codec.encode('WatermarkPoint', point);
  return servers.writer.append([{ topic: TOPICS.watermarks.name, key: SOURCE, value }]);
};

const alerts = async (): Promise<readonly Alert[]> => {
  const found: Alert[] = [];
  await scanTopic(servers.kafka, { topic: TOPICS.alerts.name }, async ({ value }) => {
    const alert = await servers.codec.decode('Alert', value);
    if (alert.source === SOURCE) found.push(alert);
  });
  return found;
};

test('commits that come too late raise alerts, once, whoever watches', async () => {
  await write(0, 100, 0.01);
  let work = await start();
  try {
    await write(1_000, 10, 9);
    // Every span has burnt as fast by now, as all there is lies within the shortest of them.
    await until('told', () => posted.length >= 4);
    expect(new Set(posted.map((each) => each.id))).toEqual(
      new Set(['burn-1h', 'burn-6h', 'burn-1d', 'burn-3d'].map((kind) => `${SOURCE}/${kind}`)),
    );
    expect(posted.find((each) => each.kind === 'burn-1h')).toMatchObject({
      ...{ state: 'firing', severity: 'page', source: SOURCE, threshold: 14.4, slowestStage: 'embed' },
      since: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    await work.stop();
    // What gateways say of agents is posted too, and while nobody was there to post it.
    await tellOthers('firing', systemClock() - 3_600_000_000);
    work = await start();
    await write(2_000, 10, 9);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await alerts()).length).toBe(4);
    await until('what stands is posted', () => posted.length >= 5);
    // And once, though two of them say it.
    const at = systemClock();
    await tellOthers('ended', at - 1);
    for (let told = 0; told < 2; told += 1) await tellOthers('firing', at);
    await until('it is posted', () => posted.length >= 7);
    expect(posted.slice(4)).toMatchObject([
      { id: `${OTHERS}/failing`, state: 'firing' },
      { id: `${OTHERS}/failing`, state: 'ended' },
      { id: `${OTHERS}/failing`, state: 'firing', kind: 'failing' },
    ]);
    // What ended while nobody was there is posted as ended; what had ended before was posted then.
    await work.stop();
    const left = systemClock() - 7_200_000_000;
    await tellTracked(left);
    await tellOthers('ended', left - 3_600_000_000, 'looping');
    const ended = left + 3_600_000_000;
    await tellOthers('ended', ended);
    work = await start();
    const endedAt = new Date(ended / 1_000).toISOString();
    await until('its end is posted', () => posted.some((each) => each.at === endedAt));
    await new Promise((resolve) => setTimeout(resolve, 2 * ANSWERS_AFTER_MS));
    expect(posted.filter((each) => each.at === endedAt)).toMatchObject([
      { id: `${OTHERS}/failing`, state: 'ended' },
    ]);
    expect(posted.filter(({ kind }) => kind === 'looping')).toEqual([]);
    expect(troubles).toEqual([]);
  } finally {
    await work.stop();
  }
});

test('what fires of a source that is configured no more is ended, and what gateways say is left to them', async () => {
  const removed = 'alerting-removed';
  const told = async (): Promise<readonly Alert[]> => {
    const found: Alert[] = [];
    await scanTopic(servers.kafka, { topic: TOPICS.alerts.name }, async ({ value }) => {
      const alert = await servers.codec.decode('Alert', value);
      if (alert.source === removed) found.push(alert);
    });
    return found;
  };
  const since = systemClock() - 3_600_000_000;
  await servers.writer.append(
    (['stale', 'failing'] as const).map((kind) => {
      const alert: Alert = {
        ...{ source: removed, kind, severity: 'page', state: 'firing', since, at: since },
        ...{ value: 1, threshold: 0.25, summary: 'behind', slowestStage: null },
      };
      const value = servers.codec.encode('Alert', alert);
      return { topic: TOPICS.alerts.name, key: `${removed}/${kind}`, value };
    }),
  );
  const work = await start();
  try {
    await until('it is ended', async () => (await told()).length > 2);
    await new Promise((resolve) => setTimeout(resolve, 500));
  } finally {
    await work.stop();
  }
  expect((await told()).slice(2)).toMatchObject([{ kind: 'stale', state: 'ended', since }]);
});

test('what could not be read while the registry was away is read again, and what never can be stops nothing', async () => {
  await tellTracked(systemClock());
  const at = systemClock();
  const { decode } = servers.codec;
  let away = 1;
  const codec: RecordCodec = {
    ...servers.codec,
    decode: async <Name extends RecordName>(name: Name, value: Buffer | null) => {
      const record = await decode(name, value);
      if (name === 'Alert' && (record as Alert).at === at && away-- > 0)
        throw new FreshetError('registry-unavailable', 'away');
      if (name === 'WatermarkPoint' && (record as WatermarkPoint).source === SOURCE)
        throw new FreshetError('record-unreadable', 'of a release that is not here');
      return record;
    },
  };
  const work = await start(codec);
  try {
    await tellOthers('firing', at, 'looping');
    await until('it is posted', () => posted.some(({ kind }) => kind === 'looping'));
    expect(away).toBeLessThan(0);
  } finally {
    await work.stop();
  }
});
