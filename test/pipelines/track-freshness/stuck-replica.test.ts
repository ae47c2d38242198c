/** One of two index replicas stands still: an alert comes of it, though searches pass it over. */
import { expect, test } from 'vitest';
import { amongReplicas } from '../../../connectors/index-service/index-replicas.ts';
import type { IndexReplica } from '../../../connectors/index-service/index-service.ts';
import { conditionsOf } from '../../../pipelines/track-freshness/alert-conditions.ts';
import { type AlertTrack, stepAlerts } from '../../../pipelines/track-freshness/alert-state.ts';
import { createFreshnessWindow } from '../../../pipelines/track-freshness/freshness-window.ts';
import { knownWatermark } from '../../connectors/index-service/known-watermark.ts';

const OBJECTIVE = { targetMs: 5_000, objective: 0.9999 };
const SECOND = 1_000_000;

test('a replica that stands still for ten minutes is told of within two, once', async () => {
  let seconds = 0;
  const covering = (stalenessMs: () => number): IndexReplica =>
    ({ watermarks: async () => ({ shop: knownWatermark(stalenessMs()) }) }) as unknown as IndexReplica;
  const index = amongReplicas([covering(() => 20), covering(() => 20 + seconds * 1_000)]);
  const window = createFreshnessWindow(OBJECTIVE);
  let track: AlertTrack = {};
  const told: string[] = [];
  for (; seconds < 600; seconds += 5) {
    const now = seconds * SECOND;
    const [report] = window.report(now, await index.watermarks()).sources;
    if (!report) throw new Error('no source');
    const conditions = conditionsOf(report, OBJECTIVE);
    const step = stepAlerts(track, conditions, { source: 'shop', slowestStage: null, now });
    track = step.track;
    told.push(...step.turned.map(({ kind, state }) => `${kind} ${state} by ${seconds <= 120}`));
  }
  expect(told).toEqual(['stale firing by true']);
});
