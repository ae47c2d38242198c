/**
 * I6 by simulation: a source that commits, a connector that delivers out of order, dies and delivers again, workers that
 * die between append and commit, an index at a pace of its own, a tracker that dies between any two of its reads. Whatever
 * the interleaving, what an index claims to cover it has.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn } from '../../../connectors/sources/postgres/postgres-position.ts';
import { advance, type Coverage, withPoint } from '../../../pipelines/apply-index/coverage-state.ts';
import {
  captured,
  claimed,
  inEpoch,
  newTrack,
  passed,
  pointOf,
  restarted,
  resumeTrack,
  sampled,
  uncertain,
  type WatermarkTrack,
} from '../../../pipelines/track-freshness/watermark-state.ts';
import type { WatermarkPoint } from '../../../schemas/records.ts';

const PARTITIONS = 3;
const NOTHING = {
  clockOffsetMicros: null,
  clockErrorMicros: null,
  quarantined: 0,
  deadLettered: 0,
  probe: null,
};

const positionOf = (commit: number): string => formatLsn(BigInt(commit) * 4_096n);
const commitOf = (position: string): number => Number(BigInt(`0x${position.split('/')[1]}`) / 4_096n);

/** The ways of doing it wrong that the property must find. */
interface Bugs {
  readonly endsBeforePosition?: boolean;
  readonly documentEndsBeforePassing?: boolean;
  readonly anyPartition?: boolean;
  readonly sampleAfterwards?: boolean;
}

const simulate = (choices: readonly number[], bugs: Bugs = {}) => {
  let now = 1;
  /** Commits by number, from 1: the partitions of their rows. */
  const commits: { readonly at: number; readonly partitions: readonly number[] }[] = [];
  /** Change topic: commit numbers by partition. */
  const changes: number[][] = Array.from({ length: PARTITIONS }, () => []);
  const inFlight: { readonly commit: number; readonly partition: number }[] = [];
  let sent = 0;
  let acknowledged = 0;
  const finished: number[] = Array.from({ length: PARTITIONS }, () => 0);
  const working: number[] = Array.from({ length: PARTITIONS }, () => 0);
  const documents: number[][] = Array.from({ length: PARTITIONS }, () => []);
  const applied: number[] = Array.from({ length: PARTITIONS }, () => 0);
  const visible = new Set<string>();

  let track: WatermarkTrack = newTrack('shop', 1);
  let log: WatermarkPoint | undefined;
  let coverage: Coverage | undefined;
  let ends: readonly number[] = changes.map((each) => each.length);
  let documentEnds: readonly number[] = documents.map((each) => each.length);
  let claims = 0;
  let highest = -1;

  const allArrived = (commit: number): boolean =>
    !inFlight.some((each) => each.commit <= commit) && commit <= sent;
  const check = (): void => {
    if (!coverage) return;
    coverage = advance(coverage, (partition) => applied[partition] ?? 0);
    const { covered } = coverage;
    if (!covered?.position) return;
    const upTo = commitOf(covered.position);
    claims += 1;
    expect(upTo).toBeGreaterThanOrEqual(highest);
    highest = upTo;
    for (const [at, { partitions, at: committedAt }] of commits.entries()) {
      if (at + 1 > upTo && committedAt >= covered.observedAt) continue;
      for (const partition of partitions) expect(visible.has(`${at + 1}:${partition}`)).toBe(true);
    }
  };

  for (const choice of choices) {
    now += 1;
    const partition = Math.floor(choice / 16) % PARTITIONS;
    const kind = choice % 16;
    switch (kind) {
      case 0:
      case 1: {
        // Most commits leave partitions quiet.
        const rows = Array.from({ length: PARTITIONS }, (_, at) => at).filter(
          (at) => (choice >> (5 + at)) % 2 === 1,
        );
        commits.push({ at: now, partitions: rows });
        break;
      }
      case 2:
        if (sent < commits.length) {
          sent += 1;
          for (const at of commits[sent - 1]?.partitions ?? [])
            inFlight.push({ commit: sent, partition: at });
        }
        break;
      case 3: {
        const next = inFlight.findIndex((each) => each.partition === partition);
        const [arrived] = next >= 0 ? inFlight.splice(next, 1) : [];
        if (arrived) changes[arrived.partition]?.push(arrived.commit);
        break;
      }
      case 4:
        while (acknowledged < sent && allArrived(acknowledged + 1)) acknowledged += 1;
        break;
      case 5:
        // Connect is killed: what was not acknowledged comes again, some of it for the second time.
        inFlight.length = 0;
        sent = acknowledged;
        break;
      case 6:
      case 7: {
        const change = changes[partition]?.[working[partition] ?? 0];
        if (change === undefined) break;
        documents[partition]?.push(change);
        working[partition] = (working[partition] ?? 0) + 1;
        break;
      }
      case 8:
        finished[partition] = working[partition] ?? 0;
        break;
      case 9:
        // The worker dies, or its partition moves: on from what was committed.
        working[partition] = finished[partition] ?? 0;
        break;
      case 10: {
        const document = documents[partition]?.[applied[partition] ?? 0];
        if (document === undefined) break;
        visible.add(`${document}:${partition}`);
        applied[partition] = (applied[partition] ?? 0) + 1;
        break;
      }
      case 11: {
        const moment = { position: positionOf(commits.length), observedAt: now, committedAt: now };
        track = sampled(track, bugs.sampleAfterwards ? { ...moment, observedAt: now + 8 } : moment, track);
        break;
      }
      case 12:
        if (!bugs.endsBeforePosition) ends = changes.map((each) => each.length);
        if (acknowledged > 0) track = captured(track, positionOf(acknowledged), ends);
        if (bugs.endsBeforePosition) ends = changes.map((each) => each.length);
        break;
      case 13: {
        const reads = bugs.anyPartition ? finished.map(() => Math.max(...finished)) : finished;
        const count = passed(track, reads);
        if (!bugs.documentEndsBeforePassing) documentEnds = documents.map((each) => each.length);
        if (count > 0) {
          track = claimed(track, count, documentEnds, []);
          log = pointOf(track, { ...NOTHING, at: now });
          coverage = withPoint(coverage, log);
        }
        if (bugs.documentEndsBeforePassing) documentEnds = documents.map((each) => each.length);
        break;
      }
      case 14:
        // The tracker dies; another goes on from what was published.
        if (choice % 3 === 0) track = log ? resumeTrack(log) : newTrack('shop', 1);
        else if (choice % 3 === 1) track = uncertain(track, 'no-offsets');
        break;
      default:
        check();
    }
  }
  check();
  return claims;
};

const STEPS = fc.array(fc.nat({ max: 16 * 256 - 1 }), { minLength: 200, maxLength: 1_200, size: 'max' });

test('whatever the interleaving, an index has all that it claims to cover, and its watermark never goes back', () => {
  let claims = 0;
  fc.assert(
    fc.property(STEPS, (choices) => {
      claims += simulate(choices);
    }),
    { numRuns: 300 },
  );
  expect(claims).toBeGreaterThan(2_000);
});

test.each<[string, Bugs]>([
  ['the ends of the changes read before the position', { endsBeforePosition: true }],
  ['the ends of the documents read before the changes were passed', { documentEndsBeforePassing: true }],
  ['one partition passed taken for all', { anyPartition: true }],
  ['a moment taken after the position was asked for', { sampleAfterwards: true }],
])('the property finds: %s', (_, bugs) => {
  expect(() =>
    fc.assert(
      fc.property(STEPS, (choices) => void simulate(choices, bugs)),
      { numRuns: 5_000, endOnFailure: true },
    ),
  ).toThrow();
});

const FIRST = newTrack('shop', 1);
const sample = (commit: number, at: number) => ({
  position: positionOf(commit),
  observedAt: at,
  committedAt: at,
});
const claim = (track: WatermarkTrack, finished: readonly number[], ends: readonly number[]) =>
  claimed(track, passed(track, finished), ends, []);

test('a position that goes back, or a change topic that does, is claimed again only in a new epoch', () => {
  const good = claim(
    captured(sampled(FIRST, sample(1, 10), FIRST), positionOf(5), [7, 0, 0]),
    [7],
    [3, 0, 0],
  );
  expect(pointOf(good, { ...NOTHING, at: 20 })).toMatchObject({
    state: 'known',
    observedAt: 10,
    documentEnds: [3, 0, 0],
  });
  for (const [reason, track] of [
    ['position-went-back', captured(good, positionOf(4), [8, 0, 0])],
    ['topic-made-anew', captured(good, positionOf(6), [2, 0, 0])],
  ] as const) {
    expect(pointOf(track, { ...NOTHING, at: 30 })).toMatchObject({ state: 'unknown', reason });
    // A successor that reads this from the topic does not believe it again either.
    const successor = resumeTrack(pointOf(track, { ...NOTHING, at: 30 }));
    expect(passed(captured(successor, positionOf(9), [9, 0, 0]), [9])).toBe(0);
    const anew = captured(inEpoch(successor, 2), positionOf(1), [1, 0, 0]);
    expect(passed(anew, [1])).toBe(1);
  }
});

test('a log that ends below what Kafka had acknowledged when the source was asked has lost some: nothing of it is claimed', () => {
  const track = claim(captured(FIRST, positionOf(5), [7, 0, 0]), [7], [3, 0, 0]);
  const stateAfter = (now: WatermarkTrack, commit: number, before = now) =>
    pointOf(sampled(now, sample(commit, 20), before), { ...NOTHING, at: 20 });
  expect(stateAfter(track, 5)).toMatchObject({ state: 'known' });
  expect(stateAfter(track, 4)).toMatchObject({ state: 'unknown', reason: 'position-went-back' });
  // Asked before that was acknowledged, or of what was read anew since, it says nothing.
  expect(stateAfter(track, 4, FIRST)).toMatchObject({ state: 'known' });
  const anew = captured(inEpoch(track, 2), positionOf(3), [1, 0, 0]);
  expect(sampled(anew, sample(2, 20), track)).toMatchObject({ lost: false });
  expect(sampled(restarted(track, 1, 'snapshot'), sample(2, 20), track)).toMatchObject({ lost: false });
});

test('a paused table stands where it was; the source goes on', () => {
  let track = claim(captured(sampled(FIRST, sample(1, 10), FIRST), positionOf(1), [1, 0, 0]), [1], [1, 0, 0]);
  const holds = [{ table: 'public.orders', reason: 'paused: column dropped' }];
  for (const [commit, at] of [
    [2, 20],
    [3, 30],
  ] as const) {
    track = captured(sampled(track, sample(commit, at), track), positionOf(commit), [commit, 0, 0]);
    track = claimed(track, passed(track, [commit]), [commit, 0, 0], holds);
    const point = pointOf(resumeTrack(pointOf(track, { ...NOTHING, at })), { ...NOTHING, at });
    expect(point.heldTables).toEqual([
      { ...holds[0], position: positionOf(1), committedAt: 10, observedAt: 10 },
    ]);
    expect(track.claimed).toMatchObject({ position: positionOf(commit), observedAt: at });
  }
  track = captured(track, positionOf(4), [4, 0, 0]);
  expect(claimed(track, passed(track, [4]), [4, 0, 0], []).held).toEqual([]);
});
