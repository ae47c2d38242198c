/** What of the quarantine a person can decide about, and what to do about the rest. */
import { expect, test } from 'vitest';
import { leftBecause } from '../../gateway/routes/quarantine-routes.ts';
import type { Quarantined } from '../../schemas/records.ts';

const DAY = 86_400_000_000;
const NOW = 100 * DAY;
const refused = (fields: Partial<Quarantined>): Quarantined => ({
  ...{ documentId: 'shop/public.a/1', source: 'shop', table: 'public.a', tenant: null, version: '1-1' },
  ...{ gate: 'length', reason: 'too-long', detail: '', contentHash: 'x', finding: null, keptVersion: null },
  ...{ change: { topic: 'cdc.shop', partition: 0, offset: 7 }, partition: 0, outcome: 'refused', at: NOW },
  ...fields,
});
const why = (fields: Partial<Quarantined>) => leftBecause(refused(fields), 'release', null, NOW);

test('a change of a database that the log keeps no more is read again by a snapshot', () => {
  expect(why({})).toBeNull();
  expect(why({ at: NOW - 8 * DAY })).toContain('freshet source snapshot shop --tables public.a');
  expect(why({ change: { topic: 'cdc.shop', partition: 0, offset: -1 } })).toContain('source snapshot shop');
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
