import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defineConfig } from '../../schemas/config.ts';
import { memoryPolicyOf } from '../../schemas/memory-policy.ts';
import { MEMORY_SOURCE, memoryVersion, spaceOfDocument, spaceOfSearch } from '../../schemas/memory-source.ts';

const names = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    'acme',
    'freshet:memory/support/acme',
    'freshet:plain/acme',
    'support/acme',
    'freshet:plain/freshet:memory/a/b',
  ),
);

test('I9: a search finds the space of its own tenant and agent, whatever a row calls its tenant', () => {
  const searches = fc.record({ tenant: names, memoriesOf: fc.option(names, { nil: undefined }) });
  const asked = ({ tenant, memoriesOf }: { tenant: string; memoriesOf: string | undefined }) =>
    spaceOfSearch(memoriesOf === undefined ? { tenant } : { tenant, memoriesOf });
  fc.assert(
    fc.property(searches, searches, (a, b) => {
      expect(asked(a) === asked(b)).toBe(a.tenant === b.tenant && a.memoriesOf === b.memoriesOf);
      const document =
        a.memoriesOf === undefined
          ? { source: 'shop', tenant: a.tenant, metadata: { agent: 'support' } }
          : { source: MEMORY_SOURCE, tenant: a.tenant, metadata: { agent: a.memoriesOf } };
      expect(spaceOfDocument(document)).toBe(asked(a));
    }),
    { numRuns: 1_000 },
  );
});

test('a document of a tenant is where it was before there were memories', () => {
  expect(spaceOfDocument({ source: 'shop', tenant: 'acme', metadata: {} })).toBe('acme');
});

test('later is newer, and forgotten is newer than any time', () => {
  const kept = memoryVersion({ state: 'kept', at: 5 });
  expect(memoryVersion({ state: 'pruned', at: 6 }) > kept).toBe(true);
  expect(memoryVersion({ state: 'forgotten', at: 1 }) > memoryVersion({ state: 'kept', at: 2 ** 52 })).toBe(
    true,
  );
  expect(memoryVersion({ state: 'kept', at: 5 })).toBe(kept);
});

test('no database is called memory', () => {
  const source = { kind: 'postgres', url: 'sample', tables: {} } as const;
  expect(() => defineConfig({ sources: { memory: source }, agents: [] })).toThrow(/memory/);
});

test('a policy fills its defaults and refuses what is out of bounds', () => {
  expect(memoryPolicyOf({ session: {} })).toEqual({
    session: { ttlMs: 7_200_000, maxTurns: 20, maxCharacters: 40_000 },
  });
  expect(memoryPolicyOf({}).longTerm).toBeUndefined();
  expect(() => memoryPolicyOf({ session: { maxTurns: 1_000_000 } })).toThrow();
  expect(() => memoryPolicyOf({ longTerm: { mergeAbove: 0.1 } })).toThrow();
});
