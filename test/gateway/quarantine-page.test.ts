import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createQuarantinePage } from '../../gateway/quarantine-page.ts';
import { createQuarantineList } from '../../gateway/read-models/quarantine-list.ts';
import type { Quarantined } from '../../schemas/records.ts';

const records = fc.array(
  fc.record({
    documentId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    outcome: fc.constantFrom('refused', 'refused', 'refused', 'passed', 'dropped'),
    gate: fc.constantFrom('secrets', 'length'),
    tenant: fc.constantFrom('acme', null),
  }),
  { maxLength: 40 },
) as unknown as fc.Arbitrary<readonly Quarantined[]>;

const standingOf = (log: readonly Quarantined[]): readonly Quarantined[] =>
  log.filter(
    ({ documentId, outcome }, at) =>
      outcome === 'refused' && !log.slice(at + 1).some((later) => later.documentId === documentId),
  );

test('page by page all that stand come, each once, oldest first, and nothing that came after the first page', () => {
  fc.assert(
    fc.property(records, records, fc.integer({ min: 1, max: 4 }), (before, later, most) => {
      const log = [...before, ...later];
      const matches = ({ gate }: Quarantined): boolean => gate === 'secrets';
      const wanted = standingOf(log).filter((each) => matches(each) && log.indexOf(each) < before.length);
      const found: Quarantined[] = [];
      for (let next: number | null = 0; next !== null; ) {
        const page = createQuarantinePage({ matches, most, before: before.length });
        for (const [offset, record] of log.entries()) if (offset >= next) page.add(offset, record);
        const read = page.page();
        expect(read.items.length).toBeLessThanOrEqual(most);
        expect(found.length + read.items.length + read.more).toBe(wanted.length);
        expect(read.next === null).toBe(read.more === 0);
        found.push(...read.items);
        next = read.next;
      }
      expect(found).toEqual(wanted);
    }),
  );
});

test('the list holds the newest and counts the others that stand', () => {
  fc.assert(
    fc.property(records, (log) => {
      const list = createQuarantineList(3);
      for (const each of log) list.add(each);
      const standing = standingOf(log);
      expect(list.standing()).toBe(standing.length);
      expect(list.all().length + list.list(10).beyond).toBe(standing.length);
      expect(list.all().every((each) => standing.includes(each))).toBe(true);
      const ofAcme = list.list(10, { tenant: 'acme' });
      expect(ofAcme.held + ofAcme.beyond).toBe(standing.filter(({ tenant }) => tenant === 'acme').length);
    }),
  );
});
