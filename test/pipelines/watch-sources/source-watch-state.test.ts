import fc from 'fast-check';
import { expect, test } from 'vitest';
import { postgresLoss } from '../../../connectors/sources/postgres/postgres-loss.ts';
import {
  isNews,
  isToBegin,
  lossIn,
  nextEpoch,
  type SourceSeen,
  stateAfter,
  stateToBegin,
} from '../../../pipelines/watch-sources/source-watch-state.ts';
import type { SourceState } from '../../../schemas/records.ts';
import { makeVersion } from '../../../schemas/version.ts';
import { OBSERVED, RUNNING, seen, stateOf } from './watched-states.ts';

const OTHER = { ...OBSERVED, identity: 'two' };

test.each<[string, Partial<SourceSeen>, string | undefined]>([
  ['nothing', {}, undefined],
  ['another database', { observed: OTHER }, 'identity-changed'],
  ['a topic that ends earlier', { changeEnds: [5, 3] }, 'topic-remade'],
  ['a topic that is gone', { changeEnds: [] }, 'topic-remade'],
  ['no offsets of a source that streamed', { offset: 'none' }, 'offsets-missing'],
  ['a first snapshot of a source that streamed', { offset: 'snapshot' }, 'offsets-missing'],
  ['what the kind says', { loss: 'place-remade' }, 'place-remade'],
  ['nobody answers', { observed: undefined, offset: undefined, changeEnds: undefined }, undefined],
])('lost: %s', (_, over, loss) => {
  expect(lossIn(stateOf(), seen(over))).toBe(loss);
});

test('no offsets before the first snapshot is through are no loss', () => {
  const first = stateOf({ swept: makeVersion(2, [0n, 5n]) });
  for (const offset of ['none', 'snapshot'] as const) expect(lossIn(first, seen({ offset }))).toBeUndefined();
});

test('a new epoch forgets identity and ends of the old one, so that a successor begins it again', () => {
  const next = nextEpoch(stateOf(), 'place-missing', seen());
  expect(next).toMatchObject({ epoch: 4, state: 'lost', identity: '', changeEnds: [], epochFrom: [5, 5] });
  expect(next.tables.map(({ identity }) => identity)).toEqual(['', '']);
  expect(lossIn(next, seen({ observed: OTHER, offset: 'none' }))).toBeUndefined();
});

test('no epoch is begun twice, whoever dies in between and whatever fails', () => {
  const fates = fc.constantFrom(
    'not written',
    'died once written',
    'failed before it began',
    'died once begun',
    'failed once begun',
    'begun and said so',
  );
  fc.assert(
    fc.property(fc.array(fates, { maxLength: 12 }), (fated) => {
      const begun: number[] = [];
      let log = nextEpoch(stateOf(), 'place-missing', seen());
      let memory = log;
      let unused: number | undefined = log.epoch;
      const dies = (): void => {
        memory = log;
        unused = undefined;
      };
      for (const fate of fated) {
        if (!isToBegin(memory)) {
          memory = nextEpoch(memory, 'place-missing', seen());
          unused = memory.epoch;
          log = memory;
        }
        memory = stateToBegin(memory, unused);
        unused = memory.epoch;
        if (fate === 'not written') continue;
        log = memory;
        if (fate === 'died once written') dies();
        if (fate === 'died once written' || fate === 'failed before it began') continue;
        expect(begun).not.toContain(memory.epoch);
        begun.push(memory.epoch);
        unused = undefined;
        if (fate === 'died once begun') dies();
        if (fate !== 'begun and said so') continue;
        memory = { ...memory, state: 'snapshotting', identity: 'one' };
        log = memory;
      }
      // What is said of the reason names the epoch that is meant.
      if (isToBegin(memory)) expect(memory.reason).toMatch(new RegExp(`epoch ${memory.epoch}$`));
    }),
  );
});

test('green only while everything answers, runs, and the snapshot of this epoch was swept', () => {
  const after = (before: SourceState, over: Partial<SourceSeen>) =>
    stateAfter(before, seen(over), 0, 2).state;
  const failed = { ...RUNNING, tasks: [{ id: 0, state: 'FAILED', worker_id: 'w' }] };
  expect(after(stateOf(), {})).toBe('streaming');
  expect(after(stateOf({ swept: makeVersion(2, [0n, 5n]) }), {})).toBe('snapshotting');
  expect(after(stateOf({ swept: null }), {})).toBe('snapshotting');
  expect(after(stateOf(), { observed: undefined })).toBe('unknown');
  expect(after(stateOf(), { connector: 'unreachable' })).toBe('unknown');
  expect(after(stateOf(), { connector: 'missing' })).toBe('unknown');
  expect(after(stateOf(), { connector: failed })).toBe('failed');
  expect(after(stateOf({ state: 'paused', reason: 'paused by ada' }), {})).toBe('paused');
});

test('figures alone are no news', () => {
  expect(isNews(stateOf(), stateOf({ updatedAt: 9, retainedWalBytes: 9, changeEnds: [9] }))).toBe(false);
  expect(isNews(stateOf(), stateOf({ state: 'failed' }))).toBe(true);
});

const offset = (lsn: bigint) => ({ partition: {}, offset: { lsn, lsn_proc: lsn, lsn_commit: lsn - 1n } });
test.each([
  ['a slot behind Connect', OBSERVED, 0x150n, undefined],
  ['a slot exactly there', OBSERVED, 0x100n, undefined],
  ['a slot ahead of Connect', OBSERVED, 0xffn, 'place-remade'],
  ['no slot', { ...OBSERVED, heldFrom: undefined }, 0x150n, 'place-missing'],
  ['a lost slot', { ...OBSERVED, discarded: true }, 0x150n, 'place-discarded'],
  ['a log that ends before Connect', OBSERVED, 0x201n, 'database-restored'],
] as const)('Postgres: %s', (_, observed, lsn, loss) => {
  expect(postgresLoss(observed, offset(lsn))).toBe(loss);
});

test('Postgres: before Connect says anything, only a discarded log is a loss', () => {
  expect(postgresLoss({ ...OBSERVED, heldFrom: undefined }, undefined)).toBeUndefined();
  expect(postgresLoss({ ...OBSERVED, discarded: true }, undefined)).toBe('place-discarded');
});

test('what shows that a paused source lost changes stays to be seen until it is resumed', () => {
  const paused = stateOf({ state: 'paused', reason: 'paused by ada' });
  const look = seen({ observed: OTHER, changeEnds: [1, 1] });
  expect(lossIn(stateAfter(paused, look, 0, 9, true), look)).toBe('identity-changed');
  expect(stateAfter(paused, look, 0, 9, true)).toMatchObject({ state: 'paused', changeEnds: [5, 4] });
});
