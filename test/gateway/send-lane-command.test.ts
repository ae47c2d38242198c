/** A change of embedding model is written down before anybody follows it. */
import { expect, test } from 'vitest';
import type { RecordToAppend } from '../../connectors/kafka/kafka.ts';
import { sendLaneCommand } from '../../gateway/send-lane-command.ts';
import { initialLanes, moveLanes } from '../../schemas/model-lanes.ts';

test('the audit stands in Kafka before the command is sent', async () => {
  const appended: RecordToAppend[][] = [];
  const codec = { encode: (_: string, value: unknown) => Buffer.from(JSON.stringify(value)) };
  const writer = {
    append: async (records: readonly RecordToAppend[]) => {
      appended.push([...records]);
      return [];
    },
  };
  const before = initialLanes('small');
  const next = moveLanes(before, { action: 'reembed', model: 'large', backfillPerSecond: 50 });
  const asked = { at: 1, by: 'local', reason: 'better answers' };
  await sendLaneCommand({ codec, writer }, { ...asked, before, next, action: 'reembed' });
  const [[audit], [control]] = appended as [[RecordToAppend], [RecordToAppend]];
  expect([audit.topic, control.topic]).toEqual(['freshet.audit', 'freshet.control']);
  expect(JSON.parse(String(audit.value))).toMatchObject({
    ...asked,
    ...{ action: 'index reembed', targets: ['small', 'large'] },
  });
  expect(control.key).toBe('embedding:documents');
  expect(JSON.parse(String(control.value))).toMatchObject({
    ...asked,
    values: { base: 'small', serving: 'small', candidate: 'large', backfillPerSecond: '50' },
  });
});
