/** Rule G: an unchanged TOASTed column arrives as a placeholder, and nothing made of a placeholder is ever published. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UNAVAILABLE } from '../../../connectors/debezium/change.ts';
import { type LastContent, mapRow } from '../../../pipelines/index-documents/draft.ts';
import type { Row, TableMapping } from '../../../schemas/config.ts';

const mapping: TableMapping = {
  title: (row) => String(row.title),
  text: (row) => String(row.body),
  tenant: (row) => String(row.tenant),
  metadata: (row) => ({ category: row.category as string | null }),
};
const row: Row = { id: 1n, title: 'New title', body: UNAVAILABLE, tenant: 'acme', category: 'a' };
const last: LastContent = {
  kind: 'document',
  title: 'Old title',
  text: 'The long text.',
  tenant: 'acme',
  metadata: { category: 'b' },
};

test('the text comes from the last record, what the change carries from the change', () => {
  expect(mapRow(mapping, row, ['body'], last)).toEqual({
    kind: 'draft',
    draft: { title: 'New title', text: 'The long text.', tenant: 'acme', metadata: { category: 'a' } },
  });
});

test.each(['deleted', 'refused'] as const)('after a %s marker the row has to be read', (kind) => {
  expect(mapRow(mapping, row, ['body'], { ...last, kind, text: '' })).toEqual({ kind: 'needs-row' });
});

test.each<[string, Partial<TableMapping>]>([
  ['its tenant', { tenant: (each) => String(each.org) }],
  ['its title, which fails without it', { title: (each) => (each.org as string).trim() }],
  ['its text, beside the one that is left out', { text: (each) => `${each.body} ${each.org}` }],
  ['its metadata', { metadata: (each) => ({ org: each.org as string }) }],
])('a column that the row does not have is missing from an update that leaves another out: %s', (_, part) => {
  expect(mapRow({ ...mapping, ...part }, row, ['body'], last)).toEqual({
    kind: 'missing-columns',
    columns: ['org'],
  });
});

test('without a last record the row has to be read', () => {
  expect(mapRow(mapping, row, ['body'], undefined)).toEqual({ kind: 'needs-row' });
});

test('a column that no part of the mapping reads is no reason to read the row', () => {
  const mapped = mapRow(mapping, { ...row, body: 'Here.', notes: UNAVAILABLE }, ['notes'], undefined);
  expect(mapped).toMatchObject({ kind: 'draft', draft: { text: 'Here.' } });
});

test.each<[string, TableMapping['text']]>([
  ['beside another column', (each) => `${each.body} Price: ${each.price}`],
  ['chosen by another column', (each) => String(each.published ? each.body : each.summary)],
  ['in a copy of the whole row', (each) => JSON.stringify({ ...each })],
])('a part made of the column %s needs the row: the last record may have been made otherwise', (_, text) => {
  const wide = { ...row, price: '1.00', published: true, summary: 'Short.' };
  expect(mapRow({ ...mapping, text }, wide, ['body'], last)).toEqual({ kind: 'needs-row' });
});

test.each<[string, TableMapping['text']]>([
  ['shortened', (each) => String(each.body).slice(0, 10)],
  ['changed in case', (each) => String(each.body).toUpperCase()],
  ['measured', (each) => String(String(each.body).length)],
  ['parsed, which fails on the placeholder', (each) => String(JSON.parse(String(each.body)))],
])('a part made of the column alone is what it was, even %s', (_, text) => {
  expect(mapRow({ ...mapping, text }, row, ['body'], last)).toMatchObject({
    draft: { text: 'The long text.' },
  });
  expect(mapRow({ ...mapping, text }, row, ['body'], undefined)).toEqual({ kind: 'needs-row' });
});

test('whatever a mapping does with whatever columns, a draft equals the one of the whole row', () => {
  const columns = ['a', 'b', 'c'] as const;
  const part = fc.record({
    reads: fc.subarray([...columns], { minLength: 1 }),
    does: fc.constantFrom(
      (text: string) => text,
      (text: string) => text.slice(0, 5),
      (text: string) => String(text.length),
      (text: string) => (text > 'm' ? 'high' : 'low'),
    ),
  });
  const content = fc.record({ a: fc.string(), b: fc.string(), c: fc.string() });
  fc.assert(
    fc.property(
      fc.tuple(part, part, part),
      content,
      content,
      fc.subarray([...columns]),
      fc.boolean(),
      (parts, before, now, unavailable, held) => {
        const [title, text, tenant] = parts.map(
          ({ reads, does }) =>
            (each: Row) =>
              does(reads.map((column) => String(each[column])).join('')),
        );
        if (!title || !text || !tenant) throw new Error('three parts');
        const made = { title, text, tenant };
        // What is unavailable is what the update left alone.
        const whole: Row = {
          ...now,
          ...Object.fromEntries(unavailable.map((column) => [column, before[column]])),
        };
        const sent: Row = {
          ...now,
          ...Object.fromEntries(unavailable.map((column) => [column, UNAVAILABLE])),
        };
        const draftOf = (each: Row) => {
          const mapped = mapRow(made, each, [], undefined);
          return mapped.kind === 'draft' ? mapped.draft : undefined;
        };
        const known = draftOf(before);
        const mapped = mapRow(
          made,
          sent,
          unavailable,
          held && known ? { kind: 'document', ...known } : undefined,
        );
        if (mapped.kind === 'draft') expect(mapped.draft).toEqual(draftOf(whole));
        else expect(mapped.kind).toBe('needs-row');
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a mapping that throws on a whole row fails with its message', () => {
  const failing = {
    ...mapping,
    tenant: () => {
      throw new Error('no tenant column');
    },
  };
  expect(mapRow(failing, { ...row, body: 'x' }, [], undefined)).toEqual({
    kind: 'failed',
    message: 'no tenant column',
    tenant: null,
  });
});

test('a mapping that fails elsewhere tells the tenant that the row names', () => {
  const failing = { ...mapping, text: (each: Row) => (each.body as string).trim() };
  const failed = (tenant: string | null) =>
    mapRow({ ...failing, tenant: (each) => each.tenant as string }, { ...row, body: null, tenant }, [], last);
  expect(failed('brim')).toMatchObject({ kind: 'failed', tenant: 'brim' });
  expect(failed(null)).toMatchObject({ kind: 'failed', tenant: null });
});

test('numbers keep every digit, null becomes nothing', () => {
  const mapped = mapRow(
    {
      ...mapping,
      title: (each) => String(each.id),
      metadata: (each) => ({ id: each.id as bigint, none: null }),
    },
    { ...row, id: 9007199254740993n, body: 'x' },
    [],
    undefined,
  );
  expect(mapped).toMatchObject({
    draft: { title: '9007199254740993', metadata: { id: '9007199254740993' } },
  });
  expect(mapped).not.toHaveProperty('draft.metadata.none');
});
