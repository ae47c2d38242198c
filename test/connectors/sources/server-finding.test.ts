import { expect, test } from 'vitest';
import { planInit } from '../../../cli/init/plan-init.ts';
import { serverFinding } from '../../../connectors/sources/postgres/server-finding.ts';

test('servers from 13 on are taken, older ones are told what to do', () => {
  expect(serverFinding('13.0', 130_000)).toEqual({ check: 'server', ok: true, said: 'PostgreSQL 13.0' });
  expect(serverFinding('12.22', 120_022)).toMatchObject({
    ok: false,
    change: 'upgrade it to PostgreSQL 13 or newer',
  });
});

test('nothing is planned for a server that cannot be captured, not even what was asked for by name', () => {
  const body = { name: 'body', type: 'text', kind: 'text', nullable: false } as const;
  const survey = {
    server: 'PostgreSQL 12.22',
    findings: [serverFinding('12.22', 120_022)],
    tables: [{ name: 'public.a', rows: null, primaryKey: ['id'], columns: [body] }],
  };
  for (const wanted of [[], ['public.a'], ['public.b']])
    expect(planInit(survey, wanted)).toEqual({ findings: survey.findings, tables: [], leftOut: [] });
  expect(planInit({ ...survey, findings: [] }, []).tables).toHaveLength(1);
});
