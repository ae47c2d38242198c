import { expect, test } from 'vitest';
import { defineConfig, mapTable, parseConfig } from '../../schemas/config.ts';

const mapping = { title: () => 'a', text: () => 'b', tenant: () => 'c' };
const source = { kind: 'postgres' as const, url: 'sample', tables: { 'public.articles': mapping } };
const agent = { name: 'support', version: '1', instructions: 'Answer.' };
const valid = { sources: { helpcentre: source }, agents: [agent] };

test('what is left out has its default', () => {
  expect(parseConfig(valid)).toMatchObject({
    languageModel: { kind: 'extractive' },
    embedding: { model: 'all-minilm-l6-v2', workers: 1 },
    chunking: { maxTokens: 200, overlapTokens: 30 },
    gates: { maxTextCharacters: 200_000 },
    freshness: { targetMs: 5_000, objective: 0.9999 },
    runtime: { concurrency: 32 },
    localTenant: 'default',
  });
  expect(parseConfig({ ...valid, chunking: { maxTokens: 100 } }).chunking.overlapTokens).toBe(30);
});

test('mappings stay the functions they were', () => {
  const tables = parseConfig(valid).sources.helpcentre?.tables;
  expect(tables?.['public.articles']?.title({})).toBe('a');
});

test.each([
  ['an unknown key at the top', { ...valid, agent: [] }, /agent/],
  [
    'an unknown key in a source',
    { ...valid, sources: { helpcentre: { ...source, tabels: {} } } },
    /sources\.helpcentre: .*tabels/,
  ],
  [
    'an unknown key in a mapping',
    {
      ...valid,
      sources: { helpcentre: { ...source, tables: { 'public.a': { ...mapping, body: mapping.text } } } },
    },
    /sources\.helpcentre\.tables\.public\.a.*body/,
  ],
  [
    'a mapping that is no function',
    {
      ...valid,
      sources: { helpcentre: { ...source, tables: { 'public.a': { ...mapping, text: 'body' } } } },
    },
    /tables\.public\.a\.text: must be a function/,
  ],
  [
    'a table without its schema',
    { ...valid, sources: { helpcentre: { ...source, tables: { articles: mapping } } } },
    /articles/,
  ],
  [
    'a source whose name is no part of a topic',
    { ...valid, sources: { 'Help/Centre': source } },
    /sources\.Help\/Centre/,
  ],
  [
    'a source that is no Postgres',
    { ...valid, sources: { helpcentre: { ...source, url: 'mysql://x' } } },
    /sources\.helpcentre\.url/,
  ],
  ['a model that does not exist', { ...valid, embedding: { model: 'gpt' } }, /embedding\.model/],
  [
    'an overlap as long as the chunk',
    { ...valid, chunking: { maxTokens: 20, overlapTokens: 10 } },
    /chunking: overlapTokens/,
  ],
  [
    'a cap that is no exact decimal',
    { ...valid, agents: [{ ...agent, limits: { maxUsd: '1e3' } }] },
    /agents\.0\.limits\.maxUsd/,
  ],
  [
    'a version that stands there twice',
    { ...valid, behaviours: [agent] },
    new RegExp(`version ${agent.version} of ${agent.name} stands there twice`),
  ],
  ['no sources', { agents: [] }, /sources/],
  ['nothing', undefined, /the configuration/],
])('refused, naming the place: %s', (_, config, place) => {
  expect(() => parseConfig(config)).toThrow(
    expect.objectContaining({ code: 'config-invalid', message: expect.stringMatching(place) }),
  );
});

test('a mapping is typed by its rows', () => {
  type Article = { title: string; body: string; tenant: string; views: bigint };
  const typed = mapTable<Article>({
    title: (row) => row.title,
    // @ts-expect-error: there is no such column
    text: (row) => row.text,
    tenant: (row) => row.tenant,
    metadata: (row) => ({ views: row.views }),
  });
  const config = defineConfig({
    sources: { shop: { ...source, tables: { 'public.articles': typed } } },
    agents: [],
    gates: { maxTextCharacters: 10 },
  });
  expect(config.gates.maxTextCharacters).toBe(10);
  // @ts-expect-error: unknown keys are refused by the compiler too
  expect(() => defineConfig({ ...valid, agents: [], nonsense: 1 })).toThrow(/nonsense/);
});
