/** More documents stand in quarantine than the gateway lists: they are counted, shown, and reached by a decision all the same. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addQuarantineCommands } from '../../cli/commands/quarantine.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { Quarantined } from '../../schemas/records.ts';
import { changeTopic, TOPICS } from '../../schemas/topics.ts';
import { runCommand } from '../support/run-command.ts';
import { until } from '../support/until.ts';
import {
  type GatewayUnderTest,
  openKafkaAndCodec,
  SOURCE,
  startGatewayUnderTest,
  VERSION,
} from './gateway-under-test.ts';

const LISTED = 10_000;
const STANDING = LISTED + 1_200;
const AT_ONCE = 1_000;

/** Of a change that is in the log still. */
const TOPIC = changeTopic(SOURCE);

let under: GatewayUnderTest;
let kafka: KafkaClient;
const id = (key: number): string => `${SOURCE}/public.articles/${key}`;

const quarantined = (key: number, outcome: Quarantined['outcome']): Quarantined => ({
  ...{ documentId: id(key), source: SOURCE, table: 'public.articles', tenant: 'acme', version: VERSION },
  ...{ gate: 'instructions', reason: 'overrides-instructions', detail: 'seen', contentHash: 'h', outcome },
  ...{ finding: null, keptVersion: null, partition: 0, at: Date.now() * 1_000 },
  change: { topic: TOPIC.name, partition: 0, offset: 0 },
});

const putAll = async (outcome: Quarantined['outcome']): Promise<void> => {
  for (let from = 0; from < STANDING; from += AT_ONCE)
    await under.put(
      ...Array.from({ length: Math.min(AT_ONCE, STANDING - from) }, (_, at) => ({
        topic: TOPICS.quarantine.name,
        key: id(from + at),
        value: under.codec.encode('Quarantined', quarantined(from + at, outcome)),
      })),
    );
};

beforeAll(async () => {
  under = await startGatewayUnderTest();
  kafka = (await openKafkaAndCodec()).kafka;
  await kafka.admin.createTopics([TOPIC]);
  await under.put({ topic: TOPIC.name, partition: 0, key: '{}', value: Buffer.from('a change') });
  await putAll('refused');
}, 360_000);

afterAll(async () => {
  // The topic is everybody's.
  if (under) await putAll('dropped');
  await under?.close();
  await kafka?.admin.deleteTopics([TOPIC.name]);
  await kafka?.close();
});

const command = (...words: readonly string[]) =>
  runCommand(addQuarantineCommands, { gateway: under.gateway.url }, ['quarantine', ...words]);

test('the list says how many it leaves out', async () => {
  const listed = await until('all are counted', async () => {
    const { body } = await under.call(`/v1/quarantine?limit=1&source=${SOURCE}`);
    const list = body as { readonly held: number; readonly beyond: number };
    return list.held + list.beyond >= STANDING && list;
  });
  expect(listed.held).toBe(LISTED);
  expect(listed.beyond).toBeGreaterThanOrEqual(STANDING - LISTED);
  expect((await command('list', '--source', SOURCE)).stdout).toMatch(/and \d+ older ones .* not listed/);
});

test('one that is not listed is shown, and decided about by its name', async () => {
  expect((await command('show', id(0))).stdout).toContain(id(0));
  const one = JSON.parse((await command('redrive', id(0), id(STANDING - 1), '--dry-run', '--json')).stdout);
  expect(one).toMatchObject({ decided: [id(0), id(STANDING - 1)], left: [] });
  await expect(command('show', id(STANDING))).rejects.toMatchObject({ code: 'not-found' });
});

test('a decision by reason reaches all that stand, each once', async () => {
  const words = ['--source', SOURCE, '--match', 'overrides-instructions', '--dry-run', '--json'];
  const would = JSON.parse((await command('redrive', ...words)).stdout) as { readonly decided: string[] };
  expect(would.decided).toHaveLength(STANDING);
  expect(new Set(would.decided).size).toBe(STANDING);
  expect(would.decided[0]).toBe(id(0));
});

test('a decision goes on from a place of its own: what is refused again meanwhile is not met again', async () => {
  const decide = async (next?: object) => {
    const { status, body } = await under.call('/v1/quarantine/decisions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'redrive', filter: { source: SOURCE }, dryRun: true, next }),
    });
    expect(status).toBe(200);
    return body as { readonly decided: string[]; readonly more: number; readonly next: object };
  };
  const first = await decide();
  expect(first).toMatchObject({ more: STANDING - AT_ONCE });
  expect(first.decided).toEqual(Array.from({ length: AT_ONCE }, (_, key) => id(key)));
  await under.put({
    topic: TOPICS.quarantine.name,
    key: id(0),
    value: under.codec.encode('Quarantined', quarantined(0, 'refused')),
  });
  const second = await decide(first.next);
  expect(second.decided[0]).toBe(id(AT_ONCE));
  expect(second).toMatchObject({ more: STANDING - 2 * AT_ONCE });
});
