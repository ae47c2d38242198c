import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import type { KeywordIndex, KeywordRow } from '../../../connectors/keyword-index/keyword-index.ts';
import { startKeywordThread } from '../../../connectors/keyword-index/keyword-thread.ts';
import { openMinisearchKeywordIndex } from '../../../connectors/keyword-index/minisearch-keyword-index.ts';

let index: KeywordIndex;
afterEach(() => index.close());

const row = (id: string, text: string, tenant = 'acme', tags: readonly string[] = []): KeywordRow => ({
  id,
  tenant,
  tags,
  text,
});
/** Behind what the thread was told: a query that waits for that longer than 250 ms, as on a slow machine, has no answer. */
const found = async (text: string, tenant = 'acme', tags: readonly string[] = [], topK = 10) => {
  await index.state();
  return (await index.query({ text, tenant, tags, topK }))?.map(({ id }) => id);
};

test('ranks by words: the rare one decides, a code counts as a whole, endings do not matter', async () => {
  index = openMinisearchKeywordIndex();
  await index.add([
    row('a', 'The pump delivers water. Error E-417 means that the valve is stuck.'),
    row('b', 'The pump delivers water. Error E-418 means that the filter is full. 417 litres.'),
    row('c', 'The pump was delivered on Monday.'),
  ]);
  expect((await found('what does E-417 mean?'))?.[0]).toBe('a');
  expect(await found('delivering')).toHaveLength(3);
  expect(await found('the of and')).toEqual([]);
  expect(await found('')).toEqual([]);
});

test('a query asked after an add sees it; what is removed is gone; added twice is there once', async () => {
  index = openMinisearchKeywordIndex();
  void index.add([row('a', 'quince'), row('a', 'quince')]);
  void index.add([row('a', 'quince'), row('b', 'quince medlar')]);
  expect(await found('quince')).toHaveLength(2);
  index.remove([
    { id: 'a', tenant: 'acme' },
    { id: 'never there', tenant: null },
  ]);
  expect(await found('quince')).toEqual(['b']);
  expect((await index.state()).rows).toBe(1);
  index.clear();
  expect(await found('quince')).toEqual([]);
});

test('I9: a tenant sees its own rows alone, and tags are required whatever their text', async () => {
  index = openMinisearchKeywordIndex();
  await index.add([
    row('a', 'quince', 'acme', ['k=v', "x='"]),
    row('b', 'quince', '__proto__', ['k=v']),
    row('c', 'quince', 'acme', ['k=w']),
  ]);
  expect(await found('quince', '__proto__')).toEqual(['b']);
  expect(await found('quince', 'constructor')).toEqual([]);
  expect(await found('quince', 'acme', ['k=v'])).toEqual(['a']);
  expect(await found('quince', 'acme', ['k=v', "x='"])).toEqual(['a']);
  expect(await found('quince', 'acme', ['k=v', 'k=w'])).toEqual([]);
});

test('a query that nobody waits for any more is not looked for', async () => {
  index = openMinisearchKeywordIndex();
  const thread = startKeywordThread({ maxBytes: 2 ** 20, heapFor: 2 ** 20 }, () => undefined);
  const query = { text: 'quince', tenant: 'acme', tags: [], topK: 1 };
  expect(await thread.ask('query', { ...query, until: Date.now() + 60_000 })).toEqual([]);
  expect(await thread.ask('query', { ...query, until: Date.now() - 1 })).toBeUndefined();
  await thread.end('it is closed');
});

test('words that nearly every row holds cost no time where a rarer one was asked for', async () => {
  index = openMinisearchKeywordIndex();
  await index.add(
    Array.from({ length: 30_001 }, (_, at) => row(`r${at}`, `common words of row n${at} and others`)),
  );
  expect((await found('common words of row n4711', 'acme', [], 1)) ?? []).toEqual(['r4711']);
  const took: number[] = [];
  for (let at = 0; at < 20; at += 1) {
    const begun = performance.now();
    await found(`common words others n${at}`);
    took.push(performance.now() - begun);
  }
  // Alone they would hold the thread for longer than a query is waited for.
  expect(await found('common words')).toBeUndefined();
  // Were the common ones looked at: 90,000 postings a query, some 30 ms. The quickest: a busy machine adds to the others.
  expect(Math.min(...took)).toBeLessThan(15);
});

test('over its memory the largest tenant is left out and says so; the others go on', async () => {
  index = openMinisearchKeywordIndex({ maxBytes: 100_000 });
  await index.add([row('small', 'quince', 'small')]);
  await index.add(Array.from({ length: 300 }, (_, at) => row(`l${at}`, `quince ${at}`, 'large')));
  expect(await found('quince', 'large')).toBeUndefined();
  expect(await found('quince', 'small')).toEqual(['small']);
  expect(await index.state()).toMatchObject({ rows: 1, tenantsLeftOut: 1, failure: null });
  const told = vi.spyOn(Worker.prototype, 'postMessage');
  await index.add([row('l', 'quince', 'large')]);
  index.remove([{ id: 'l0', tenant: 'large' }]);
  expect(await index.query({ text: 'quince', tenant: 'large', tags: [], topK: 1 })).toBeUndefined();
  expect(told).not.toHaveBeenCalled();
  told.mockRestore();
  index.clear();
  await index.add([row('again', 'quince', 'large')]);
  expect(await found('quince', 'large')).toEqual(['again']);
});

test('rows that take far more than their estimate cost the largest tenant its words, and not all of them', async () => {
  index = openMinisearchKeywordIndex({ maxBytes: 2 ** 20 });
  const codes = (at: number) =>
    Array.from({ length: 1_000 }, (_, n) => `a${at % 20}.b${Math.floor(at / 20)}.c${n % 32}.d${n >> 5}`).join(
      ' ',
    );
  const fill = async () => {
    await index.add([row('small', 'quince', 'small')]);
    for (let at = 0; at < 280; at += 1) await index.add([row(`l${at}`, codes(at), 'large')]);
  };
  let ends = 0;
  let filling = fill();
  index.watch({
    lost: () => {
      ends += 1;
    },
    empty: () => {
      filling = filling.then(fill);
    },
  });
  while ((await index.state()).tenantsLeftOut === 0) await setTimeout(50);
  await filling;
  expect(ends).toBeGreaterThan(0);
  expect(await found('quince', 'small')).toEqual(['small']);
  expect(await index.state()).toMatchObject({ rows: 1, tenantsLeftOut: 1, failure: null });
}, 60_000);

test('a word of 100,000 letters is found by its beginning, and takes the search from nobody', async () => {
  index = openMinisearchKeywordIndex();
  const long = 'x'.repeat(100_000);
  await index.add([row('a', `quince ${long}`, 'hostile'), row('b', 'quince', 'plain')]);
  expect(await found('quince', 'plain')).toEqual(['b']);
  expect(await found(long, 'hostile')).toEqual(['a']);
});

test('words that change while discarded rows are taken out end no thread', async () => {
  index = openMinisearchKeywordIndex();
  const words = (at: number) => Array.from({ length: 40 }, (_, n) => `w${(at * 40 + n).toString(36)}x`);
  await index.add(Array.from({ length: 500 }, (_, at) => row(`r${at}`, words(at).join(' '))));
  for (let at = 0; at < 400; at += 1) {
    index.remove([{ id: `r${at}`, tenant: 'acme' }]);
    // Words that split the edges of those before, and searches that take rows out on their way.
    void index.add([
      row(
        `s${at}`,
        words(at)
          .map((word) => `${word.slice(0, -1)}y`)
          .join(' '),
      ),
    ]);
    if (at % 10 === 0) await found(words(at + 50)[0] ?? '');
  }
  await setTimeout(100);
  expect(await index.state()).toMatchObject({ rows: 500, failure: null });
  expect(await found(words(450)[7] ?? '')).toEqual(['r450']);
  expect(await found(words(3)[7] ?? '')).toEqual([]);
  expect(await found(`${words(3)[7]?.slice(0, -1)}y`)).toEqual(['s3']);
});

test('of many rows added at once the thread tells how far it is: one that works on is not taken for one that does not', async () => {
  index = openMinisearchKeywordIndex();
  const told = vi.spyOn(Worker.prototype, 'postMessage');
  const rows = Array.from({ length: 5_000 }, (_, at) => row(`r${at}`, `quince n${at}`));
  await index.add(rows);
  const asked = told.mock.calls.map(([message]) => message).filter(({ ask }) => ask !== undefined);
  told.mockRestore();
  expect(asked.length).toBeGreaterThanOrEqual(Math.floor(rows.length / 256));
  expect(await index.state()).toMatchObject({ rows: rows.length, failure: null });
});

test('closed, it answers undefined and not an error', async () => {
  index = openMinisearchKeywordIndex();
  await index.close();
  expect(await found('quince')).toBeUndefined();
  await index.add([row('a', 'quince')]);
});
