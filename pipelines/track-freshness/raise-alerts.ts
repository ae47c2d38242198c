/**
 * Raises alerts about freshness: folds what was measured, holds it against the objective every few seconds, and writes what
 * begins and ends to freshet.alerts and to a webhook. One of it should run; a second would write the same alerts again. What others
 * write there (gateways, of agents and behaviours) it posts to the webhook as well, as there is one of it and several of them.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import { followTopics } from '../../connectors/kafka/follow-topic.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { postWebhook } from '../../connectors/webhook/post-webhook.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import { isUnreadable, toError } from '../../schemas/errors.ts';
import { ownField } from '../../schemas/own-field.ts';
import type { Alert } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { OwnedWork } from '../owned-by-one.ts';
import { conditionsOf, HOLDS_FOR } from './alert-conditions.ts';
import { alertKey, alertRecord } from './alert-record.ts';
import { type AlertTrack, resumeAlerts, stepAlerts } from './alert-state.ts';
import { createFreshnessWindow } from './freshness-window.ts';
import { followCoverage } from './index-coverage.ts';

export interface RaiseAlertsSettings {
  readonly kafka: KafkaClient;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly config: Pick<FreshetConfig, 'sources' | 'freshness'>;
  readonly index: Pick<IndexService, 'watermarks'>;
  readonly clock: Clock;
  readonly everyMs?: number;
  /** When this process began to track, microseconds since the Unix epoch: what was tracked before was by an earlier one. Default now. */
  readonly begunAt?: number;
  /** Of a source, or of all of them (empty). */
  readonly onTrouble: (source: string, error: Error) => void;
}

const EVERY_MS = 5_000;
const STAGES_OVER_MS = 30_000;
/** A successor does not post what is on the topic already: what waits for the webhook at a stop has this long to get there. */
const LAST_POSTS_MS = 5_000;
/** What others wrote a moment ago is posted as it is read, begun or ended; what an earlier one posted just before may come twice. */
const UNREAD_MICROS = 60_000_000;
/** Some minutes of them: enough to find one that was written before a successor began to write. */
const LAST_POINTS = 2_000;
/** What is read again when another takes over: spans beyond it begin anew. */
const RECENT = {
  [TOPICS.freshness.name]: { hours: 6, most: 5_000 },
  [TOPICS.watermarks.name]: { hours: 1, most: 2_000 },
};

const isOthers = ({ kind }: Alert): boolean => !Object.hasOwn(HOLDS_FOR, kind);

/** As a webhook gets it: times as ISO 8601. */
const bodyOf = (alert: Alert) => ({
  id: alertKey(alert),
  ...alert,
  since: new Date(alert.since / 1_000).toISOString(),
  at: new Date(alert.at / 1_000).toISOString(),
});

/**
 * When a process before this one last tracked, by its clock: whoever tracks posts alerts too, and compaction leaves the last point
 * of each source. Null where none did.
 */
const lastTrackedAt = async (
  { kafka, codec, config }: Pick<RaiseAlertsSettings, 'kafka' | 'codec' | 'config'>,
  before: number,
): Promise<number | null> => {
  const topic = TOPICS.watermarks.name;
  const offsets = await kafka.admin.offsets(topic);
  const from = new Map(offsets.map(({ partition, latest }) => [partition, latest - LAST_POINTS]));
  let last: number | null = null;
  await scanTopic(kafka, { topic, from }, async ({ value }) => {
    if (value === null) return;
    try {
      const { source, at } = await codec.decode('WatermarkPoint', value);
      if (ownField(config.sources, source) && at < before) last = Math.max(last ?? 0, at);
    } catch (error) {
      // It says nothing of who tracked, and nobody would track for as long as it stands.
      if (!isUnreadable(error)) throw error;
    }
  });
  return last;
};

/** Resolves once it reads. Errors: `kafka-unavailable`, `registry-unavailable`. */
export const raiseAlerts = async (settings: RaiseAlertsSettings): Promise<OwnedWork> => {
  const { kafka, writer, codec, clock, config, everyMs = EVERY_MS } = settings;
  const { webhook } = config.freshness;
  const stopped = new AbortController();
  const { signal } = stopped;
  const gone = new AbortController();
  // Percentiles serve to name the slowest stage of now; merging five minutes of them would hold up the changes of this process.
  const window = createFreshnessWindow({ ...config.freshness, windowMs: STAGES_OVER_MS });
  const published = new Map<string, Alert>();
  const tracks = new Map<string, AlertTrack>();
  const next = new Map<string, number>();
  const { begunAt = clock() } = settings;
  const postedFrom = clock() - UNREAD_MICROS;
  const postedUntil = await lastTrackedAt(settings, begunAt);
  let posting: Promise<void> = Promise.resolve();

  const post = (alert: Alert): void => {
    if (webhook === undefined) return;
    posting = posting
      .then(() => postWebhook(webhook, bodyOf(alert), gone.signal))
      .catch((error) => settings.onTrouble(alert.source, toError(error)));
  };

  const follower = await followTopics(kafka, {
    topics: [TOPICS.freshness.name, TOPICS.watermarks.name, TOPICS.alerts.name],
    name: 'freshness-alerts',
    recent: RECENT,
    // A timing per change: read some at a time, not each by a request of its own.
    restMs: 500,
    onRecord: async ({ topic, partition, offset, value }) => {
      // A follower that lost its connection begins again, and a change must not be counted twice.
      const place = `${topic}:${partition}`;
      if (value === null || offset < (next.get(place) ?? 0)) return;
      if (topic === TOPICS.freshness.name) window.add(await codec.decode('Timing', value), clock());
      else if (topic === TOPICS.watermarks.name) window.addPoint(await codec.decode('WatermarkPoint', value));
      else {
        const alert = await codec.decode('Alert', value);
        const before = published.get(alertKey(alert));
        published.set(alertKey(alert), alert);
        // Several may say the same: it is posted once.
        if (isOthers(alert) && alert.at >= postedFrom && before?.state !== alert.state) post(alert);
      }
      // Not before it could be read: where the registry is away it is given again.
      next.set(place, offset + 1);
    },
    onTrouble: (error) => settings.onTrouble('', error),
  });
  const coverage = followCoverage(settings.index, clock);

  const tell = async (alert: Alert): Promise<void> => {
    await writer.append([alertRecord(codec, alert, 'freshet/track-freshness')]);
    post(alert);
  };

  /** A source that is configured no more has nobody who would end what still fires of it. */
  const endRemoved = async (): Promise<void> => {
    for (const alert of [...published.values()]) {
      if (alert.state !== 'firing' || isOthers(alert) || ownField(config.sources, alert.source)) continue;
      const ended: Alert = { ...alert, state: 'ended', at: clock() };
      await tell(ended);
      published.set(alertKey(ended), ended);
    }
  };

  const look = async (): Promise<void> => {
    await endRemoved();
    const now = clock();
    for (const report of window.report(now, coverage.all()).sources) {
      const { source, slowestStage } = report;
      if (!ownField(config.sources, source)) continue;
      const track =
        tracks.get(source) ?? resumeAlerts([...published.values()].filter((each) => each.source === source));
      const step = stepAlerts(track, conditionsOf(report, config.freshness), { source, slowestStage, now });
      // Told first: where that fails it is told again with the next look.
      for (const alert of step.turned) await tell(alert);
      tracks.set(source, step.track);
    }
  };

  /**
   * Others may have told them while nobody was here to post them: all that fire, and what has ended since an earlier process was
   * last here. Whoever was told before knows them by id and `since`.
   */
  const postMissed = (): void => {
    const isMissed = ({ state, at }: Alert): boolean =>
      state === 'firing' || (postedUntil !== null && at >= postedUntil - UNREAD_MICROS);
    for (const alert of published.values())
      if (isOthers(alert) && alert.at < postedFrom && isMissed(alert)) post(alert);
  };

  const running = (async () => {
    while (!signal.aborted && !follower.current())
      await sleep(50, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) postMissed();
    while (!signal.aborted) {
      await look().catch((error) => settings.onTrouble('', toError(error)));
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await running;
      coverage.stop();
      const giveUp = setTimeout(() => gone.abort(), LAST_POSTS_MS);
      await posting;
      clearTimeout(giveUp);
      await follower.close();
    },
  };
};
