/** What a batch of changes becomes, given what the owner of the partition holds: version order, rule G, and what is embedded. */
import { describe, expect, test } from 'vitest';
import { UNAVAILABLE } from '../../../connectors/debezium/change.ts';
import { EmbeddingCache } from '../../../connectors/models/embedding/embedding-cache.ts';
import { againUnder } from '../../../pipelines/index-documents/carried-content.ts';
import type { Outcome } from '../../../pipelines/index-documents/embed-documents.ts';
import { pausedTables } from '../../../pipelines/index-documents/paused-tables.ts';
import { type Holdings, prepareChanges } from '../../../pipelines/index-documents/prepare-changes.ts';
import { parseConfig, type Row } from '../../../schemas/config.ts';
import { documentIdOf, floorIdOf } from '../../../schemas/document-id.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import type { Document } from '../../../schemas/records.ts';
import { makeVersion, revisionAfter } from '../../../schemas/version.ts';
import {
  deleteAt,
  holding,
  model,
  outcomesOf,
  prepareSettings,
  recordAt,
  toPrepare,
  truncateAt,
  upsertAt,
  versionAt,
} from './changes.ts';

const id = documentIdOf('shop', 'public.a', { id: '1' });
const kinds = async (changes: Parameters<typeof toPrepare>[0], held: Holdings = holding()) =>
  (await prepareChanges(prepareSettings(), held, toPrepare(changes))).map((each) => each.kind);

/** Prepares and embeds; counts the texts that the model was given. */
const indexed = async (
  changes: Parameters<typeof toPrepare>[0],
  held: Holdings = holding(),
  settings = prepareSettings(),
): Promise<{ readonly outcomes: readonly Outcome[]; readonly embedded: readonly string[] }> => {
  const embedded: string[] = [];
  const counting = {
    ...model,
    embed: (texts: readonly string[]) => {
      embedded.push(...texts);
      return model.embed(texts);
    },
  };
  const embedding = new EmbeddingCache({ model: counting, maxBytes: 1e6 });
  return { outcomes: await outcomesOf(settings, changes, held, { embedding }), embedded };
};
const recordIn = ({ outcomes }: { readonly outcomes: readonly Outcome[] }, at = 0): Document => {
  const outcome = outcomes[at];
  if (outcome?.kind !== 'append' && outcome?.kind !== 'quarantined')
    throw new Error(`no record: ${outcome?.kind}`);
  return outcome.record;
};

describe('order', () => {
  test('older than held, or the same, is superseded; newer goes on', async () => {
    const held = holding(recordIn(await indexed([upsertAt(5)])));
    expect(await kinds([upsertAt(4), upsertAt(5), deleteAt(5), upsertAt(6)], held)).toEqual([
      'superseded',
      'superseded',
      'superseded',
      'document',
    ]);
  });

  test('what the batch decided counts for its next change', async () => {
    expect(await kinds([upsertAt(3), deleteAt(5), upsertAt(4), upsertAt(5), upsertAt(6)])).toEqual([
      'document',
      'deleted',
      'superseded',
      'superseded',
      'document',
    ]);
  });

  test('a delete of what was never seen leaves a marker all the same: an older upsert may follow', async () => {
    expect(await kinds([deleteAt(5), upsertAt(4)])).toEqual(['deleted', 'superseded']);
  });

  test('what is below a floor is superseded; an equal floor is appended again, as others may lack it', async () => {
    expect(await kinds([truncateAt(5), truncateAt(5), truncateAt(4), upsertAt(4), upsertAt(6)])).toEqual([
      'floor',
      'floor',
      'superseded',
      'superseded',
      'document',
    ]);
    const [floor] = (await indexed([truncateAt(5)])).outcomes;
    if (floor?.kind !== 'append') throw new Error('no floor');
    expect(floor.record.documentId).toBe(floorIdOf('shop', 'public.a'));
    expect(await kinds([upsertAt(4), truncateAt(5), upsertAt(6)], holding(floor.record))).toEqual([
      'superseded',
      'floor',
      'document',
    ]);
  });

  test('a table without a mapping is dropped; what cannot be read is passed on with its reason', async () => {
    const prepared = await prepareChanges(prepareSettings(), holding(), [
      ...toPrepare([
        { ...upsertAt(1), table: 'public.other' },
        { ...truncateAt(2), table: 'public.other' },
      ]),
      { record: recordAt(2), source: 'shop', read: { kind: 'dropped' } },
      { record: recordAt(3), source: 'shop', read: { kind: 'unreadable', reason: 'not-avro', message: 'm' } },
    ]);
    expect(prepared.map((each) => each.kind)).toEqual(['dropped', 'dropped', 'dropped', 'unreadable']);
  });

  test('a result of an agent that is mapped no more can be withdrawn; it does not come back', async () => {
    const table = 'results.digest';
    const changes = [
      { ...upsertAt(1), table },
      { ...deleteAt(2), table },
    ].map((change, at) => ({
      ...{ record: recordAt(at), source: 'results' },
      read: { kind: 'change', change } as const,
    }));
    const prepared = await prepareChanges(prepareSettings(), holding(), changes);
    expect(prepared.map((each) => each.kind)).toEqual(['dropped', 'deleted']);
  });

  test('a lone surrogate in the key is unreadable, not a document', async () => {
    const [prepared] = await prepareChanges(
      prepareSettings(),
      holding(),
      toPrepare([upsertAt(1, {}, { key: { id: '\ud800' } })]),
    );
    expect(prepared).toMatchObject({ kind: 'unreadable', reason: 'bad-key' });
  });

  test('so is a key that is too long for the record of its document, a deletion of it too', async () => {
    const id = 'é'.repeat(200_000);
    const changes = [upsertAt(1, {}, { key: { id } }), deleteAt(2, id)];
    expect(await kinds(changes)).toEqual(['unreadable', 'unreadable']);
  });
});

describe('what is embedded', () => {
  test('unchanged text costs nothing, from the last record and within a batch', async () => {
    const first = await indexed([upsertAt(1, { body: 'Same.' })]);
    expect(first.embedded).toHaveLength(1);
    const again = await indexed([upsertAt(2, { body: 'Same.', kind: 'y' })], holding(recordIn(first)));
    expect(again.embedded).toEqual([]);
    expect(recordIn(again).chunks).toEqual(recordIn(first).chunks);
    const within = await indexed([upsertAt(1, { body: 'Same.' }), upsertAt(2, { body: 'Same.', kind: 'y' })]);
    expect(within.embedded).toHaveLength(1);
  });

  test('a document changed twice in a batch still knows the vectors of its last record', async () => {
    const held = holding(recordIn(await indexed([upsertAt(1, { body: 'Same.' })])));
    const changes = [upsertAt(2, { body: 'Other.' }), upsertAt(3, { body: 'Same.' })];
    expect((await indexed(changes, held)).embedded).toEqual(['Title\nOther.']);
  });

  test('another title is another text', async () => {
    const held = holding(recordIn(await indexed([upsertAt(1, { body: 'Same.' })])));
    expect((await indexed([upsertAt(2, { body: 'Same.', title: 'New' })], held)).embedded).toEqual([
      'New\nSame.',
    ]);
  });

  test('vectors of another model are none', async () => {
    const record = { ...recordIn(await indexed([upsertAt(1, { body: 'Same.' })])), model: 'other' };
    expect((await indexed([upsertAt(2, { body: 'Same.' })], holding(record))).embedded).toHaveLength(1);
  });

  test('a vector that is unfit refuses its document, and no other', async () => {
    const unfit = { ...model, embed: async (texts: readonly string[]) => Promise.all(texts.map(vectorOf)) };
    async function vectorOf(text: string): Promise<Float32Array> {
      const [vector = new Float32Array()] = await model.embed([text]);
      return text.includes('Unfit') ? vector.fill(Number.NaN, 3, 4) : vector;
    }
    const embedding = new EmbeddingCache({ model: unfit, maxBytes: 1e6 });
    const changes = [upsertAt(1, { body: 'Unfit.' }), upsertAt(1, {}, { key: { id: '2' } })];
    const outcomes = await outcomesOf(prepareSettings(), changes, holding(), { embedding });
    expect(outcomes.map((each) => each.kind)).toEqual(['quarantined', 'append']);
    expect(outcomes[0]).toMatchObject({
      refusal: { gate: 'embedding', reason: 'not-finite' },
      record: { kind: 'refused', text: '', chunks: [] },
    });
  });
});

/** Says so where a row has no text. */
const wordless = parseConfig({
  sources: {
    shop: {
      ...{ kind: 'postgres', url: 'sample' },
      tables: {
        'public.a': {
          title: (row: Row) => String(row.title),
          text: (row: Row) => String(row.body ?? 'nothing'),
          tenant: (row: Row) => String(row.tenant),
        },
      },
    },
  },
  agents: [],
});

describe('refused and TOASTed (rule G)', () => {
  const toasted = (position: number, row = {}) =>
    upsertAt(position, { body: UNAVAILABLE, ...row }, { unavailable: ['body'] });

  test('an unchanged column comes from the last record', async () => {
    const held = holding(recordIn(await indexed([upsertAt(1, { body: 'The long text.' })])));
    const { outcomes, embedded } = await indexed([toasted(2, { kind: 'y' })], held);
    expect(recordIn({ outcomes })).toMatchObject({ text: 'The long text.', metadata: { kind: 'y' } });
    expect(embedded).toEqual([]);
  });

  test('and from an earlier change of the batch rather than from the last record', async () => {
    const held = holding(recordIn(await indexed([upsertAt(1, { body: 'Old.' })])));
    const result = await indexed([upsertAt(2, { body: 'Newer.' }), toasted(3)], held);
    expect(recordIn(result, 1).text).toBe('Newer.');
  });

  test.each([
    ['nothing is held', []],
    ['a deletion is held', [deleteAt(1)]],
    ['a refusal is held', [upsertAt(1, { tenant: '' })]],
  ])('where %s, the row is read', async (_, before) => {
    const read: string[] = [];
    const settings = prepareSettings(async (source, change) => {
      read.push(`${source} ${change.table} ${change.unavailable}`);
      return { body: 'Read from the row.' };
    });
    const held = before.length > 0 ? holding(recordIn(await indexed(before))) : holding();
    const apart = await indexed([toasted(9)], held, settings);
    expect(recordIn(apart)).toMatchObject({ kind: 'document', text: 'Read from the row.' });
    const together = await indexed([...before, toasted(9)], holding(), settings);
    expect(recordIn(together, before.length)).toMatchObject({ kind: 'document', text: 'Read from the row.' });
    expect(read).toEqual(['shop public.a body', 'shop public.a body']);
  });

  test('the row is read as a whole, but for columns that its capture leaves out: no text of now for readers of before', async () => {
    const moved = { id: 1n, title: 'Theirs', body: 'Theirs alone.', tenant: 'brim', kind: 'z', hidden: 'h' };
    const settings = {
      ...prepareSettings(async () => moved),
      config: parseConfig({
        sources: {
          shop: {
            ...{ kind: 'postgres', url: 'sample' },
            tables: {
              'public.a': {
                title: (row: Row) => String(row.title),
                text: (row: Row) => Object.values(row).join(),
                tenant: (row: Row) => String(row.tenant),
              },
            },
          },
        },
        agents: [],
      }),
    };
    expect(recordIn(await indexed([toasted(2)], holding(), settings))).toMatchObject({
      ...{ tenant: 'brim', title: 'Theirs', text: '1,Theirs,Theirs alone.,brim,z' },
    });
  });

  describe('changes were passed over since the last record was made', () => {
    const row = { id: 1n, title: 'Title', body: 'Changed meanwhile.', tenant: 'acme', kind: 'y' };
    const settings = prepareSettings(async () => row);
    const mark = (paused: boolean, turn: number, offset: number) => ({
      ...{ record: recordAt(offset), source: 'shop' },
      read: { kind: 'mark', mark: { table: 'public.a', paused, turn } } as const,
    });
    const changeAt = (offset: number, change: Parameters<typeof toPrepare>[0][number]) => ({
      ...{ record: recordAt(offset), source: 'shop' },
      read: { kind: 'change', change } as const,
    });

    test.each(['in one batch', 'in a batch of its own'])(
      'a table is taken again, and a change takes the place of its read (%s): the row is read',
      async (how) => {
        const first = upsertAt(1, { body: 'Of before.' });
        const before = recordIn(await indexed([first]));
        const pauses = pausedTables(new Map());
        const held = how === 'in one batch' ? holding() : holding(before);
        const prepared = await prepareChanges(settings, { ...held, pauses }, [
          ...(how === 'in one batch' ? [changeAt(0, first)] : []),
          mark(true, 1, 1),
          changeAt(2, upsertAt(2, { body: 'Passed over.' })),
          mark(false, 2, 3),
          changeAt(4, toasted(4, { kind: 'y' })),
          changeAt(5, toasted(5, { title: 'Newer' })),
        ]);
        const drafts = prepared.flatMap((each) => (each.kind === 'document' ? [each.draft.text] : []));
        expect(drafts.slice(-2)).toEqual(['Changed meanwhile.', 'Changed meanwhile.']);
      },
    );

    test('the epoch rose: positions of before say nothing of it', async () => {
      const held = holding(recordIn(await indexed([upsertAt(1, { body: 'Of before.' })])));
      const { body } = { body: UNAVAILABLE };
      const change = upsertAt(1, { body }, { version: makeVersion(2, [1n, 0n]), unavailable: ['body'] });
      expect(recordIn(await indexed([change], held, settings)).text).toBe('Changed meanwhile.');
    });
  });

  test('what may have been set to null is read from the row, though the last record has it', async () => {
    const held = holding(recordIn(await indexed([upsertAt(1, { body: 'The old text.' })])));
    const settings = prepareSettings(async () => ({ body: null, title: 'Now empty' }));
    const unsure = upsertAt(2, { body: null }, { unavailable: ['body'], unsure: true });
    const [prepared] = await prepareChanges({ ...settings, config: wordless }, held, toPrepare([unsure]));
    expect(prepared).toMatchObject({ kind: 'document', draft: { text: 'nothing' } });
  });

  describe('a change between the update and what it was taken from comes late (fault 14)', () => {
    const first = upsertAt(1, { body: 'The first text.' });
    const late = upsertAt(2, { body: 'The second text.' });
    const reading = () => {
      const read: string[] = [];
      const settings = prepareSettings(async (_, change) => {
        read.push(change.late ? '*' : change.unavailable.join());
        return { id: 1n, title: 'Title', body: 'The second text.', tenant: 'acme', kind: 'y' };
      });
      return { read, settings };
    };

    test.each(['in one batch', 'in batches of their own'])(
      '%s: the whole row is read, above what stands',
      async (how) => {
        const { read, settings } = reading();
        const changes = [first, toasted(3, { kind: 'y' }), late];
        let held = holding();
        let last: Document | undefined;
        for (const batch of how === 'in one batch' ? [changes] : changes.map((each) => [each])) {
          const result = await indexed(batch, held, settings);
          last = recordIn(result, batch.length - 1);
          held = holding(last);
        }
        expect(last).toMatchObject({ text: 'The second text.', metadata: { kind: 'y' }, carried: {} });
        expect(last?.version.startsWith(versionAt(3))).toBe(true);
        expect(read).toEqual(['*']);
        // Whatever the source says later wins, and what came before changes nothing any more.
        const again = await prepareChanges(settings, held, toPrepare([...changes, upsertAt(4)]));
        expect(again.map(({ kind }) => kind)).toEqual(['superseded', 'superseded', 'superseded', 'document']);
        expect(read).toHaveLength(1);
      },
    );

    test('delivered again in order, however often carried on, no row is read', async () => {
      const { read, settings } = reading();
      const changes = [first, toasted(2), toasted(3), toasted(4)];
      const { outcomes } = await indexed(changes, holding(), settings);
      const held = holding(recordIn({ outcomes }, 3));
      expect(recordIn({ outcomes }, 3).carried).toEqual({ body: versionAt(1) });
      const again = await prepareChanges(settings, held, toPrepare(changes));
      expect(again.map(({ kind }) => kind)).toEqual(Array(4).fill('superseded'));
      expect(read).toEqual([]);
    });

    test('of two such columns each is known from where it was sent: delivered again in order, no row is read', async () => {
      const { read, settings } = reading();
      const leaving = (position: number, ...left: readonly string[]) =>
        upsertAt(position, Object.fromEntries(left.map((column) => [column, UNAVAILABLE])), {
          unavailable: left,
        });
      const changes = [first, leaving(2, 'body', 'title'), leaving(3, 'body'), leaving(4, 'body', 'title')];
      const { outcomes } = await indexed(changes, holding(), settings);
      const last = recordIn({ outcomes }, 3);
      expect(last.carried).toEqual({ body: versionAt(1), title: versionAt(3) });
      const again = await prepareChanges(settings, holding(last), toPrepare(changes));
      expect(again.map(({ kind }) => kind)).toEqual(Array(4).fill('superseded'));
      expect(read).toEqual([]);
    });

    test('what the row is made of now counts, whatever columns the late change had', async () => {
      const settings = prepareSettings(async () => ({
        id: 1n,
        title: 'T',
        body: 'Now.',
        tenant: 'brim',
        kind: 'z',
      }));
      const held = holding(recordIn(await indexed([first, toasted(3)]), 1));
      const old = upsertAt(2, { dropped: 'a column of before' });
      const result = await indexed([old], held, settings);
      expect(recordIn(result)).toMatchObject({ text: 'Now.', tenant: 'brim', metadata: { kind: 'z' } });
    });

    test('redriven under a version that is none of its own, the row is read again', async () => {
      const { read, settings } = reading();
      const late = upsertAt(2, { body: 'Of before.', tenant: 'brim' });
      if (late.kind !== 'upsert') throw new Error('an upsert was made');
      const own = againUnder(late, revisionAfter(late.version));
      expect(own.late).toBeUndefined();
      const anew = againUnder(late, revisionAfter(revisionAfter(versionAt(3))));
      const result = await indexed([anew], holding(recordIn(await indexed([upsertAt(3)]))), settings);
      expect(recordIn(result)).toMatchObject({ text: 'The second text.', tenant: 'acme' });
      expect(read).toEqual(['*']);
    });

    test('a row that is gone meanwhile stays for its delete', async () => {
      const held = holding(recordIn(await indexed([first, toasted(3)]), 1));
      expect(await kinds([late, deleteAt(4)], held)).toEqual(['superseded', 'deleted']);
    });
  });

  test('a row that is gone is superseded: its delete follows', async () => {
    expect(await kinds([toasted(2), deleteAt(3)])).toEqual(['superseded', 'deleted']);
  });

  test('a source that is away fails the batch, which is tried again', async () => {
    const settings = prepareSettings(() => Promise.reject(new Error('away')));
    await expect(prepareChanges(settings, holding(), toPrepare([toasted(2)]))).rejects.toThrow('away');
  });

  test('a table that the source lets nobody read any more is paused; its changes are dropped, others go on', async () => {
    const gone = new FreshetError('table-unreadable', 'could not read a row of public.a: no such column');
    const settings = prepareSettings(() => Promise.reject(gone));
    const pauses = pausedTables(new Map());
    const prepared = await prepareChanges(
      settings,
      { ...holding(), pauses },
      toPrepare([toasted(2), upsertAt(3)]),
    );
    expect(prepared.map((each) => each.kind)).toEqual(['dropped', 'dropped']);
    expect(pauses.found()).toEqual([{ source: 'shop', table: 'public.a', turn: 0, reason: gone.message }]);
  });

  test('a refused change leaves a marker with its version, and a later one of another column publishes nothing refused', async () => {
    const refused = recordIn(await indexed([upsertAt(5, { body: 'x'.repeat(501) })]));
    expect(refused).toMatchObject({
      documentId: id,
      kind: 'refused',
      version: versionAt(5),
      text: '',
      reason: 'length: too-many-characters',
    });
    const settings = prepareSettings(async () => ({ body: 'x'.repeat(501) }));
    expect(recordIn(await indexed([toasted(6)], holding(refused), settings))).toMatchObject({
      kind: 'refused',
    });
  });

  test('a mapping that throws refuses the document without its text', async () => {
    const settings = prepareSettings();
    const failing = {
      ...settings,
      config: {
        gates: prepareSettings().config.gates,
        sources: {
          shop: {
            kind: 'postgres' as const,
            url: 'sample',
            tables: {
              'public.a': {
                title: () => {
                  throw new Error('no such column');
                },
                text: () => '',
                tenant: () => '',
              },
            },
          },
        },
      },
    };
    const [prepared] = await prepareChanges(failing, holding(), toPrepare([upsertAt(1)]));
    expect(prepared).toMatchObject({
      kind: 'refused',
      refusal: { gate: 'schema', reason: 'mapping-failed', detail: 'no such column' },
    });
  });
});
