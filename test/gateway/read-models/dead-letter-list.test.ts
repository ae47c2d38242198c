import { expect, test } from 'vitest';
import {
  createDeadLetterList,
  DEAD_LETTER_REDRIVE,
  DEAD_LETTER_REDRIVE_FAILED,
  summaryOf,
} from '../../../gateway/read-models/dead-letter-list.ts';
import { deadLetterOf } from '../../../schemas/dead-letters.ts';

const letter = (topic: string, offset: number, reason: 'not-avro' | 'unknown-agent', at: number) =>
  summaryOf(
    deadLetterOf(
      { topic, partition: 0, offset, key: null, value: Buffer.from('x'), headers: {} },
      { stage: 'receiving', reason, message: 'why', at },
    ).letter,
  );

test('letters are counted by topic and reason in total, however few are listed, with the first and the last of each', () => {
  const list = createDeadLetterList();
  for (let offset = 0; offset < 5; offset += 1) list.add(letter('cdc.shop', offset, 'not-avro', 50 - offset));
  list.add(letter('cdc.shop', 9, 'unknown-agent', 60));
  list.add(letter('freshet.tasks', 0, 'not-avro', 10));
  const targets = ['cdc.shop:0:1', 'cdc.shop:0:3', 'cdc.other:0:3'];
  list.noteAudit({
    at: 70,
    by: 'local',
    action: DEAD_LETTER_REDRIVE,
    targets,
    count: 3,
    reason: null,
    tenant: null,
  });
  const kinds = [
    { topic: 'cdc.shop', reason: 'unknown-agent', count: 1, redriven: 0, firstAt: 60, lastAt: 60 },
    { topic: 'cdc.shop', reason: 'not-avro', count: 5, redriven: 2, firstAt: 46, lastAt: 50 },
    { topic: 'freshet.tasks', reason: 'not-avro', count: 1, redriven: 0, firstAt: 10, lastAt: 10 },
  ];
  expect(list.kinds()).toEqual(kinds);
  expect(list.list(1).kinds).toEqual(kinds);
  expect(list.list(1, { topic: 'cdc.shop', reason: 'not-avro' }).kinds).toEqual([kinds[1]]);
});

test('what a redrive wrote down and failed to send is not taken for redriven, and may be later', () => {
  const list = createDeadLetterList();
  for (const offset of [1, 2]) list.add(letter('cdc.shop', offset, 'not-avro', offset));
  const note = (action: string, targets: string[]) =>
    list.noteAudit({
      at: 70,
      by: 'local',
      action,
      targets,
      count: targets.length,
      reason: null,
      tenant: null,
    });
  const redriven = () => list.list(9).items.flatMap((each) => (each.redriven ? [each.place] : []));
  note(DEAD_LETTER_REDRIVE, ['cdc.shop:0:1', 'cdc.shop:0:2']);
  note(DEAD_LETTER_REDRIVE_FAILED, ['cdc.shop:0:1']);
  expect(redriven()).toEqual(['cdc.shop:0:2']);
  note(DEAD_LETTER_REDRIVE, ['cdc.shop:0:1']);
  expect(redriven()).toEqual(['cdc.shop:0:2', 'cdc.shop:0:1']);
});
