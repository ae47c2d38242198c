/** Everything about freshness that one process at a time does: the tracker of watermarks over a connection to each source. */
import type { ConnectApi } from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import { INDEX_DOCUMENTS_GROUP } from '../../schemas/groups.ts';
import type { OwnedWork } from '../owned-by-one.ts';
import { raiseAlerts } from './raise-alerts.ts';
import { startWatermarkTracker, type TrackedSource } from './watermark-tracker.ts';
import { type ProbeWriter, startProbes } from './write-probes.ts';

export interface TrackFreshnessSettings {
  readonly kafka: KafkaClient;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly connect: Pick<ConnectApi, 'offsets'>;
  readonly config: Pick<FreshetConfig, 'sources' | 'freshness'>;
  /** Where a source is, `sample` resolved. */
  readonly urlOf: (source: string) => string;
  readonly clock: Clock;
  /** The index as users search it; neither probes are written nor alerts raised without it. */
  readonly index?: Pick<IndexService, 'search' | 'watermarks'>;
  /** Of a source, or of all of them (empty); told once until it is another. */
  readonly onTrouble: (source: string, error: Error) => void;
}

/** How often a source's log is moved and asked for its place: half of it is added to a quiet source's watermark. */
const MOMENT_EVERY_MS = 250;

/** Errors: `kafka-unavailable`. */
export const trackFreshness = async (settings: TrackFreshnessSettings): Promise<OwnedWork> => {
  const { config, urlOf } = settings;
  const begunAt = settings.clock();
  const writers: ProbeWriter[] = [];
  const told = new Map<string, string>();
  const onTrouble = (source: string, error: Error): void => {
    if (told.get(source) === error.message) return;
    told.set(source, error.message);
    settings.onTrouble(source, error);
  };
  const sources = Object.entries(config.sources).map(([name, source]): TrackedSource => {
    const kind = SOURCE_KINDS[source.kind];
    const clock = kind.openClock(urlOf(name));
    const probes =
      settings.index && config.freshness.probes
        ? startProbes({
            source: name,
            sourceClock: clock,
            retriever: settings.index,
            clock: settings.clock,
            giveUpMs: 2 * config.freshness.targetMs,
            onTrouble: (error) => onTrouble(name, error),
          })
        : undefined;
    if (probes) writers.push(probes);
    return {
      name,
      connector: sourceNames(name).connector,
      kind,
      clock,
      lastProbe: () => probes?.last() ?? null,
    };
  });
  const started: OwnedWork[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((each) => each.stop()));
    await Promise.all(writers.map((each) => each.stop()));
    await Promise.all(sources.map(({ clock }) => clock.close()));
  };
  try {
    const { index } = settings;
    started.push(
      await startWatermarkTracker({
        ...settings,
        sources,
        group: INDEX_DOCUMENTS_GROUP,
        momentEveryMs: MOMENT_EVERY_MS,
        onTrouble,
      }),
    );
    if (index) started.push(await raiseAlerts({ ...settings, begunAt, index, onTrouble }));
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
