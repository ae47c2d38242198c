import { expect, test } from 'vitest';
import { guessMapping } from '../../../cli/init/guess-mapping.ts';
import type { ColumnKind, SurveyTable } from '../../../connectors/sources/source-survey.ts';

/** `name`, `name:kind` or `name:text:length` */
const table = (...columns: readonly string[]): SurveyTable => ({
  name: 'public.things',
  rows: 1,
  primaryKey: ['id'],
  columns: ['id:bigint', ...columns].map((each) => {
    const [name = '', kind = 'text', length] = each.split(':');
    return {
      ...{ name, kind: kind as ColumnKind, type: kind, nullable: false },
      ...(length ? { maxLength: Number(length) } : {}),
    };
  }),
});
const guess = (...columns: readonly string[]) => {
  const found = guessMapping(table(...columns));
  return (
    found && {
      title: found.title?.name,
      text: found.text.map(({ name }) => name),
      tenant: found.tenant?.name,
      metadata: found.metadata.map(({ name }) => name),
      left: found.left,
    }
  );
};

test('an article', () => {
  expect(
    guess(
      'tenant_id:uuid',
      'title:text:200',
      'body',
      'status:text:20',
      'author_id:bigint',
      'published:boolean',
      'at:time',
    ),
  ).toEqual({
    ...{ title: 'title', text: ['body'], tenant: 'tenant_id', left: [] },
    metadata: ['status', 'author_id', 'published'],
  });
});

test('a product with several texts, in camel case', () => {
  expect(
    guess(
      'productName:text:100',
      'shortDescription',
      'longDescription',
      'price:decimal',
      'categoryId:integer',
    ),
  ).toEqual({
    ...{ title: 'productName', text: ['shortDescription', 'longDescription'], tenant: undefined, left: [] },
    metadata: ['categoryId'],
  });
});

test('a ticket without a title takes its first short text; one text alone is title and text', () => {
  expect(guess('ref:text:20', 'message', 'priority:text:10')).toMatchObject({
    title: 'ref',
    text: ['message'],
  });
  expect(guess('name:text:50')).toMatchObject({ title: 'name', text: ['name'] });
  expect(guess('body')).toMatchObject({ title: undefined, text: ['body'] });
});

test('what is private by its name is in nothing', () => {
  const found = guess(
    'name:text:50',
    'email:text:100',
    'password_hash:text:100',
    'apiKey',
    'notes',
    'phone_number',
  );
  expect(found).toEqual({
    ...{ title: 'name', text: ['notes'], tenant: undefined, metadata: [] },
    left: ['email', 'password_hash', 'apiKey', 'phone_number'],
  });
});

test('a table that ties others together has nothing to read', () => {
  expect(guess('article_id:bigint', 'tag_id:bigint', 'at:time')).toBeUndefined();
});
