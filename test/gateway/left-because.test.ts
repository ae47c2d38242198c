/** What of the quarantine a person can decide about, and what to do about the rest. */
import { expect, test } from 'vitest';
import { leftBecause } from '../../gateway/left-because.ts';
import type { Quarantined } from '../../schemas/records.ts';

const refused = (fields: Partial<Quarantined>): Quarantined => ({
  ...{ documentId: 'shop/public.a/1', source: 'shop', table: 'public.a', tenant: null, version: '1-1' },
  ...{ gate: 'length', reason: 'too-long', detail: '', contentHash: 'x', finding: null, keptVersion: null },
  ...{ change: { topic: 'cdc.shop', partition: 0, offset: 7 }, partition: 0, outcome: 'refused', at: 7 },
  ...fields,
});
/** As the log stands now: whenever a change was refused, it may be gone, or not be there yet in a topic that was made anew. */
const isKept = ({ topic, offset }: Quarantined['change']) =>
  topic === 'cdc.shop' && offset >= 5 && offset < 8;
const why = (fields: Partial<Quarantined>) => leftBecause(refused(fields), 'release', null, isKept);
const changeAt = (offset: number) => ({ change: { topic: 'cdc.shop', partition: 0, offset } });

test('a change of a database that the log keeps no more is read again by a snapshot', () => {
  expect(why({})).toBeNull();
  for (const offset of [-1, 4, 8])
    expect(why(changeAt(offset))).toContain('freshet source snapshot shop --tables public.a');
});

test('what cannot be stored is not released, though it was only too large', () => {
  for (const fields of [
    { reason: 'too-many-bytes' },
    { gate: 'schema', reason: 'no-tenant' },
    { gate: 'embedding', reason: 'not-finite' },
  ]) {
    expect(why(fields)).toContain('mend the row');
    expect(leftBecause(refused(fields), 'redrive', null, isKept)).toBeNull();
  }
  expect(why({ gate: 'embedding', reason: 'drifted' })).toBeNull();
});

test.each(['results', 'memory'])(
  'what agents wrote (%s) can be decided about however old it is',
  (source) => {
    expect(why({ source, at: 0 })).toBeNull();
    for (const gone of [{ partition: -1 }, { change: { topic: 'x', partition: 0, offset: -1 } }]) {
      expect(why({ source, ...gone })).toContain('when its agent writes it anew');
      expect(why({ source, ...gone })).not.toContain('snapshot');
    }
  },
);
