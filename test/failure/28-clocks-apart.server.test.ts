/**
 * Fault 28: the clocks of the source and of Freshet five minutes apart, either way. Every part of Freshet takes its clock as an
 * argument, so here it is ours that is shifted; the database and Connect keep the machine's. The skew is shown, no age is
 * negative, none is five minutes off, and the objective does not mistake the skew for lateness.
 */
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { createFreshnessWindow } from '../../pipelines/track-freshness/freshness-window.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { WatermarkPoint } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startTracking } from '../support/plane-freshness.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { until } from '../support/until.ts';
import { whenFresh } from '../support/when-fresh.ts';

const APART_MS = 300_000;
/** Far above what anything takes here, far below what the clocks are apart. */
const FAR_MS = 100_000;
const WRITES = 8;

describe.each([
  ['ahead', 1],
  ['behind', -1],
])('our clock is %s', (name, sign) => {
  const source = `clocks-${name}`;
  const clock = (): number => systemClock() + sign * APART_MS * 1_000;
  let plane: DataPlane & { readonly clock: typeof clock };
  let pipeline: Awaited<ReturnType<typeof startPipeline>>;
  let index: Awaited<ReturnType<typeof startIndex>>;
  let tracking: Awaited<ReturnType<typeof startTracking>>;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const opened = await openDataPlane(inject('stack'), source);
    const { config } = opened;
    plane = { ...opened, clock, config: { ...config, freshness: { ...config.freshness, probes: true } } };
    pipeline = await startPipeline(plane, folder.path);
    index = await startIndex(plane, folder.path);
    await plane.capture();
    tracking = await startTracking(plane, clock, index);
  });

  afterAll(async () => {
    await tracking?.stop();
    await pipeline?.stop();
    await index?.stop();
    await plane?.close();
    await folder?.remove();
  });

  afterEach(() => expect([...pipeline.failures, ...index.failures]).toEqual([]));

  test('ages are by one clock, and the difference is shown', async () => {
    await until('known', async () => {
      const mark = (await index.watermarks())[source];
      return mark?.state === 'known' && mark.stalenessMs !== null;
    });
    for (let at = 0; at < WRITES; at += 1) {
      await plane.client.query(
        `INSERT INTO articles VALUES (1, 'acme', 'Clock', 'a', $1) ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
        [`It struck ${at} times.`],
      );
      const { rows } = await plane.client.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
      const { hits, receipt } = await whenFresh(() =>
        index.search({
          ...{ query: 'how often it struck', tenant: 'acme', topK: 5, filter: { source } },
          freshness: { after: { source, position: rows[0]?.lsn ?? '' }, waitMs: 20_000 },
        }),
      );
      expect(hits[0]?.text).toContain(`struck ${at} times`);
      for (const ms of [receipt.stalenessMs, hits[0]?.ageMs]) {
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThan(FAR_MS);
      }
    }
  });

  test('what is measured of changes is right: the objective is kept', async () => {
    const points: WatermarkPoint[] = [];
    await scanTopic(plane.kafka, { topic: TOPICS.watermarks.name }, async ({ value }) => {
      const point = await plane.codec.decode('WatermarkPoint', value);
      if (point.source === source) points.push(point);
    });
    const report = await until('all are timed', async () => {
      const window = createFreshnessWindow({ targetMs: FAR_MS, objective: 0.9999 });
      for (const point of points) window.addPoint(point);
      await scanTopic(plane.kafka, { topic: TOPICS.freshness.name }, async ({ value }) => {
        const timing = await plane.codec.decode('Timing', value);
        if (timing.source === source) window.add(timing, clock());
      });
      const [ours] = window.report(clock(), await index.watermarks()).sources;
      return (ours?.counts.commits ?? 0) >= WRITES && ours;
    });
    expect(report.clock?.offsetMs).toBeGreaterThan(-sign * APART_MS - 10_000);
    expect(report.clock?.offsetMs).toBeLessThan(-sign * APART_MS + 10_000);
    for (const ms of [report.latencyMs.p50, report.latencyMs.max, report.newestApplied?.ageMs]) {
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThan(FAR_MS);
    }
    expect(report.slo).toMatchObject({ share: 1, errorBudgetLeft: 1 });
    expect(report.stalenessMs).toBeGreaterThanOrEqual(0);
    expect(report.stalenessMs).toBeLessThan(FAR_MS);
  });
});
