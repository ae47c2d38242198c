import { expect, test } from 'vitest';
import { configText } from '../../../cli/init/config-text.ts';
import { planInit } from '../../../cli/init/plan-init.ts';
import type { SourceSurvey, SurveyTable } from '../../../connectors/sources/source-survey.ts';

const ODD = `it's "a" \`table\` */ \${x}`;
const table = (name: string, primaryKey: readonly string[] = ['id']): SurveyTable => ({
  ...{ name, primaryKey, rows: null },
  columns: [
    { name: 'id', kind: 'bigint', type: 'bigint', nullable: false },
    { name: 'my title', kind: 'text', type: 'text', nullable: true, maxLength: 10 },
    { name: "bo'dy", kind: 'text', type: 'text', nullable: true },
  ],
});
const survey = (...tables: readonly SurveyTable[]): SourceSurvey => ({ server: 'x', findings: [], tables });
const written = (of: SourceSurvey): string =>
  configText({
    ...{ source: 'shop', kind: 'postgres', url: "postgres://u:p'w@h/d", localTenant: "d'or", project: '.' },
    ...planInit(of, []),
  });

test('names that are no identifiers, and those that would end a text or a comment', () => {
  const text = written(
    survey(table(`public.${ODD}`), table('public.orders'), table('sales.orders'), table('x.1')),
  );
  expect(text).toContain(`row['my title'] ?? ''`);
  expect(text).toContain(`row['bo\\'dy']`);
  expect(text).toContain(`url: 'postgres://u:p\\'w@h/d'`);
  expect(text).toContain('type OrdersRow');
  expect(text).toContain('type SalesOrdersRow');
  expect(
    text
      .split('\n')
      .filter((line) => line.startsWith('        // '))
      .join('\n'),
  ).not.toContain('*/');
});

test('what is left out is said, and no reason to stop', () => {
  const plan = planInit(
    {
      ...survey(
        table('public.a'),
        table('public.keyless', []),
        table('public.schema_migrations'),
        // Of somebody who trains, or of a framework: the name alone does not say.
        table('public.sessions', []),
      ),
      findings: [
        { check: 'log', ok: true, said: '' },
        { check: 'permission', table: 'public.schema_migrations', ok: false, said: '' },
        { check: 'primary-key', table: 'public.keyless', ok: false, said: '' },
        { check: 'primary-key', table: 'public.sessions', ok: false, said: '' },
      ],
    },
    [],
  );
  expect(plan.tables.map((each) => each.table.name)).toEqual(['public.a']);
  expect(plan.leftOut).toEqual([
    { table: 'public.keyless', why: expect.stringContaining('no primary key') },
    { table: 'public.schema_migrations', why: expect.stringContaining('--tables') },
    { table: 'public.sessions', why: expect.stringContaining('--tables') },
  ]);
  expect(planInit(survey(table('public.sessions')), ['public.sessions'])).toMatchObject({
    ...{ tables: [{ table: { name: 'public.sessions' } }], leftOut: [] },
  });
  expect(plan.findings.map(({ check }) => check)).toEqual(['log', 'primary-key']);
  expect(() => planInit(survey(table('public.a')), ['public.b'])).toThrow(
    expect.objectContaining({ code: 'not-found', message: expect.stringContaining('public.b') }),
  );
});
