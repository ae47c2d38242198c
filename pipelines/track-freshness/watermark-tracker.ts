/**
 * Publishes how far each source is covered (rule W): reads what Connect has acknowledged, then the ends of the change
 * topic; once index-documents has passed those, the ends of freshet.documents. Exactly one should run; two do no harm but work.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectApi } from '../../connectors/debezium/connect-api.ts';
import { followTopics, type TopicFollower } from '../../connectors/kafka/follow-topic.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { estimateOffset, type RoundTrip } from '../../connectors/sources/clock-skew.ts';
import type { SourceClock } from '../../connectors/sources/source-clock.ts';
import type { SourceKind } from '../../connectors/sources/source-kind.ts';
import type { Clock } from '../../schemas/clock.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { toFreshetError } from '../../schemas/errors.ts';
import type { ProbeResult, SourceState, WatermarkPoint } from '../../schemas/records.ts';
import { changeTopic, TOPICS } from '../../schemas/topics.ts';
import { commandOf } from '../watch-sources/source-commands.ts';
import { isRefusal, NO_REFUSALS, withRefusal } from './refusal-counts.ts';
import { NO_PAUSES, tableHolds, withRecord } from './table-holds.ts';
import {
  captured,
  claimed,
  doubted,
  inEpoch,
  newTrack,
  passed,
  pointOf,
  restarted,
  resumeTrack,
  sampled,
  uncertain,
  type WatermarkTrack,
} from './watermark-state.ts';

export interface TrackedSource {
  readonly name: string;
  /** Its connector's name. */
  readonly connector: string;
  readonly kind: Pick<SourceKind, 'acknowledgedPosition'>;
  readonly clock: SourceClock;
  /** The last probe that ended, where probes are written. */
  readonly lastProbe: () => ProbeResult | null;
}

export interface WatermarkTrackerSettings {
  readonly kafka: KafkaClient;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly connect: Pick<ConnectApi, 'offsets'>;
  readonly sources: readonly TrackedSource[];
  /** The group that index-documents commits its progress under. */
  readonly group: string;
  readonly clock: Clock;
  /** How often each source's log is moved and asked for its place. */
  readonly momentEveryMs: number;
  readonly onTrouble: (source: string, error: Error) => void;
}

export interface WatermarkTracker {
  stop(): Promise<void>;
}

/** As often as Connect flushes what it has acknowledged (deploy/connect/worker.properties). */
const LOOK_EVERY_MS = 250;
/** A point that says nothing new is written again after this, with fresh counts. */
const REPEAT_EVERY_MICROS = 2_000_000;
const TROUBLE_PAUSE_MS = 1_000;
const STATES_WITHIN_MS = 5_000;
const ROUND_TRIPS = 40;

/** Resolves once what was published before is known. Errors: `kafka-unavailable`. */
export const startWatermarkTracker = async (
  settings: WatermarkTrackerSettings,
): Promise<WatermarkTracker> => {
  const { kafka, codec, writer, clock } = settings;
  const stopped = new AbortController();
  const { signal } = stopped;
  const states = new Map<string, SourceState>();
  const points = new Map<string, WatermarkPoint>();
  let asked = NO_PAUSES;
  let refused = NO_REFUSALS;
  const sourceOfTopic = new Map(settings.sources.map(({ name }) => [changeTopic(name).name, name]));

  const follower: TopicFollower = await followTopics(kafka, {
    topics: [
      TOPICS.sourceStates.name,
      TOPICS.control.name,
      TOPICS.watermarks.name,
      TOPICS.quarantine.name,
      TOPICS.deadLetters.name,
    ],
    name: 'watermark-tracker',
    onRecord: async (record) => {
      const { topic, offset, value } = record;
      if (value === null) return;
      if (topic === TOPICS.control.name) {
        asked = withRecord(asked, offset, commandOf(await codec.decode('Control', value)));
      } else if (topic === TOPICS.sourceStates.name) {
        const state = await codec.decode('SourceState', value);
        states.set(state.source, state);
      } else if (topic === TOPICS.watermarks.name) {
        const point = await codec.decode('WatermarkPoint', value);
        points.set(point.source, point);
      } else if (topic === TOPICS.quarantine.name) {
        const quarantined = await codec.decode('Quarantined', value);
        if (isRefusal(quarantined)) refused = withRefusal(refused, record, quarantined.source, 'quarantined');
      } else {
        const { origin } = await codec.decode('DeadLetter', value);
        refused = withRefusal(refused, record, sourceOfTopic.get(origin.topic), 'deadLettered');
      }
    },
    onTrouble: (error) => settings.onTrouble('', error),
  });
  while (!follower.current() && !signal.aborted) await sleep(10);

  const endsOf = async (topic: string): Promise<readonly number[]> =>
    (await kafka.admin.offsets(topic)).map((each) => each.latest);

  const track = async (source: TrackedSource): Promise<void> => {
    const last = points.get(source.name);
    let state: WatermarkTrack = last ? resumeTrack(last) : newTrack(source.name, 0);
    let published: WatermarkPoint | undefined;
    let trips: readonly RoundTrip[] = [];
    const topic = changeTopic(source.name).name;

    const askMoment = async (): Promise<void> => {
      const before = state;
      const askedAt = clock();
      const { position, sourceAt } = await source.clock.moment();
      trips = [...trips.slice(1 - ROUND_TRIPS), { askedAt, answeredAt: clock(), otherAt: sourceAt }];
      state = sampled(state, { position, observedAt: askedAt, committedAt: sourceAt }, before);
    };

    const look = async (): Promise<void> => {
      const seen = states.get(source.name);
      if (seen && (seen.state === 'snapshotting' || seen.state === 'lost')) {
        if (state.unknown !== `source-${seen.state}`)
          state = restarted(state, seen.epoch, `source-${seen.state}`);
        return;
      }
      state = inEpoch(state, seen?.epoch ?? state.epoch);
      // The order of these reads is the rule: position, then what is finished, then the ends of the changes.
      const [offset] = await settings.connect.offsets(source.connector);
      const position = offset && source.kind.acknowledgedPosition(offset);
      const committed = await kafka.admin.committed(settings.group, topic);
      const changeEnds = await endsOf(topic);
      const finished = changeEnds.map((_, partition) => committed.get(partition)?.offset ?? 0);
      if (finished.some((done, partition) => done > (changeEnds[partition] ?? 0)))
        state = doubted(state, 'topic-made-anew');
      else if (!offset) state = uncertain(state, 'no-offsets');
      else if (position === undefined) state = uncertain(state, 'snapshot');
      else state = captured(state, position, changeEnds);
      const count = passed(state, finished);
      if (count === 0) return;
      // One that is live again by the time of the ends was so before its floor: it is held for this claim.
      const heldBefore = tableHolds(source.name, states.get(source.name), asked);
      const documentEnds = await endsOf(TOPICS.documents.name);
      // A table that was paused before its changes were skipped is known to be so before they are claimed: by its state, or by
      // the command that a worker waited for before it counted them as done.
      const [toldOf, askedOf] = await Promise.all([
        follower.caughtUp(TOPICS.sourceStates.name, STATES_WITHIN_MS),
        follower.caughtUp(TOPICS.control.name, STATES_WITHIN_MS),
      ]);
      if (!toldOf || !askedOf) return;
      const known = states.get(source.name);
      if (known && (known.epoch > state.epoch || known.state === 'snapshotting' || known.state === 'lost'))
        return;
      const heldNow = tableHolds(source.name, known, asked);
      const released = heldBefore.filter(({ table }) => !heldNow.some((each) => each.table === table));
      state = claimed(state, count, documentEnds, [...heldNow, ...released]);
    };

    const publish = async (): Promise<void> => {
      const now = clock();
      const offset = estimateOffset(trips);
      const point = pointOf(state, {
        clockOffsetMicros: offset?.offsetMicros ?? null,
        clockErrorMicros: offset?.errorMicros ?? null,
        quarantined: refused.bySource.get(source.name)?.quarantined ?? 0,
        deadLettered: refused.bySource.get(source.name)?.deadLettered ?? 0,
        probe: source.lastProbe(),
        at: now,
      });
      if (published && !saysMore(published, point) && now - published.at < REPEAT_EVERY_MICROS) return;
      await writer.append([
        {
          topic: TOPICS.watermarks.name,
          key: source.name,
          value: codec.encode('WatermarkPoint', point),
          headers: cloudEventHeaders({
            id: `${source.name}@${now}`,
            type: 'freshet.watermark',
            source: 'freshet/track-freshness',
            at: now,
          }),
        },
      ]);
      published = point;
    };

    await Promise.all([
      repeat(settings.momentEveryMs, source.name, askMoment),
      repeat(LOOK_EVERY_MS, source.name, async () => {
        try {
          await look();
        } finally {
          await publish();
        }
      }),
    ]);
  };

  const repeat = async (everyMs: number, source: string, action: () => Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      const begun = performance.now();
      let pause = everyMs;
      try {
        await action();
      } catch (error) {
        if (!signal.aborted) settings.onTrouble(source, toFreshetError(error));
        pause = TROUBLE_PAUSE_MS;
      }
      await sleep(Math.max(1, pause - (performance.now() - begun)), undefined, { signal }).catch(
        () => undefined,
      );
    }
  };

  const running = Promise.all(settings.sources.map(track));
  return {
    stop: async () => {
      stopped.abort();
      await running;
      await follower.close();
    },
  };
};

const saysMore = (before: WatermarkPoint, after: WatermarkPoint): boolean =>
  before.state !== after.state ||
  before.reason !== after.reason ||
  before.epoch !== after.epoch ||
  before.position !== after.position ||
  before.observedAt !== after.observedAt ||
  before.probe?.tick !== after.probe?.tick ||
  JSON.stringify(before.heldTables) !== JSON.stringify(after.heldTables);
