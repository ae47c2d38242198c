import { expect, test } from 'vitest';
import { defineAgent } from '../../schemas/agent-definition.ts';
import { defineConfig, gatesOfTable, mappingOfTable, mapResult } from '../../schemas/config.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import type { Result } from '../../schemas/records.ts';
import {
  RESULT_SOURCE,
  resultTable,
  resultVersion,
  rowOfResult,
  taskOfResult,
} from '../../schemas/result-source.ts';

const AGENT = defineAgent({ name: 'digest', version: '1', instructions: 'Sum up.' });
const mapping = mapResult<{ topic: string; text: string }>({
  title: ({ value }) => value.topic,
  text: ({ value, text }) => `${value.text} ${text}`,
  metadata: ({ agent }) => ({ kind: 'article', origin: 'user', writer: agent }),
});
const config = defineConfig({ sources: {}, agents: [AGENT], results: { digest: mapping } });

const result: Result = {
  ...{ taskId: 't/1', executionId: 'e-1', agent: 'digest', behaviour: '1', tenant: 'acme', sessionId: null },
  ...{
    outcome: 'completed',
    output: JSON.stringify({
      text: 'In short.',
      value: { topic: 'Returns', text: '30 days [1]. See [2].' },
      citations: [{ number: 1 }],
    }),
  },
  ...{ error: null, partial: null, receipt: '{}', costUsd: '0', steps: 1 },
  ...{ createdAt: 1, startedAt: 2, completedAt: 3 },
};

test('a result becomes a document by the mapping of its agent, of the tenant of its task, and no mapping hides who wrote it', () => {
  const made = mappingOfTable(config, RESULT_SOURCE, resultTable('digest'));
  const row = rowOfResult(result, 'home');
  expect(made?.tenant(rowOfResult({ ...result, tenant: null }, 'home'))).toBe('home');
  expect(made?.title(row)).toBe('Returns');
  // A number that it cites is of its own passages; another may mean anything.
  expect(made?.text(row)).toBe('30 days. See [2]. In short.');
  expect(made?.tenant(row)).toBe('acme');
  expect(made?.metadata?.(row)).toEqual({
    ...{ kind: 'result', origin: 'model', agent: 'digest', behaviour: '1', executionId: 'e-1' },
    writer: 'digest',
  });
  expect(mappingOfTable(config, RESULT_SOURCE, resultTable('other'))).toBeUndefined();
  expect(mappingOfTable(config, RESULT_SOURCE, resultTable('constructor'))).toBeUndefined();
  expect(mappingOfTable({ sources: {} }, RESULT_SOURCE, resultTable('digest'))).toBeUndefined();
});

test('no table of results is paused, whatever the configuration says of bursts', () => {
  expect(gatesOfTable(config, RESULT_SOURCE, resultTable('digest')).volume.action).toBe('off');
});

test('later is newer', () => {
  expect(resultVersion(6) > resultVersion(5)).toBe(true);
  expect(resultVersion(2 ** 52) > resultVersion(2 ** 51)).toBe(true);
});

test('the task of a document is told by its id alone', () => {
  const id = documentIdOf(RESULT_SOURCE, resultTable('digest'), { id: 't/1' });
  expect(taskOfResult(id)).toEqual({ table: 'results.digest', taskId: 't/1' });
  for (const other of ['shop/public.articles/1', 'results', '%/%/%', ''])
    expect(taskOfResult(other)).toBeUndefined();
});

test('a configuration names its agents, and no database takes the name of the source', () => {
  const of = { sources: {}, agents: [AGENT] };
  expect(() => defineConfig({ ...of, results: { digets: mapping } })).toThrow(/results\.digets.*digest/);
  expect(() => defineConfig({ ...of, results: { digest: { title: 1, text: 2 } as never } })).toThrow(
    /results\.digest\.title/,
  );
  expect(() =>
    defineConfig({ ...of, sources: { results: { kind: 'postgres', url: 'sample', tables: {} } } }),
  ).toThrow(/agents write/);
});
