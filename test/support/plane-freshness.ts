/** The tracker of a plane's sources, in this process. */
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { trackFreshness } from '../../pipelines/track-freshness/track-freshness.ts';
import { type Clock, systemClock } from '../../schemas/clock.ts';
import type { ProbeResult } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { DataPlane } from './indexed-source.ts';

type TrackedPlane = Pick<DataPlane, 'kafka' | 'writer' | 'codec' | 'connect' | 'config' | 'url'>;

export const startTracking = async (
  plane: TrackedPlane,
  clock: Clock = systemClock,
  index?: Pick<IndexService, 'search' | 'watermarks'>,
) => {
  const { kafka, writer, codec, connect, config, url } = plane;
  const troubles: Error[] = [];
  const work = await trackFreshness({
    ...{ kafka, writer, codec, connect, config, clock },
    urlOf: (source) => {
      const configured = config.sources[source]?.url ?? '';
      return configured === 'sample' ? url : configured;
    },
    ...(index ? { index } : {}),
    onTrouble: (_, error) => troubles.push(error),
  });
  return { ...work, troubles };
};

/** The newest probe of a source that was found, as the tracker published it; null before there is one. */
export const foundProbe = async (
  { kafka, codec }: Pick<DataPlane, 'kafka' | 'codec'>,
  source: string,
): Promise<ProbeResult | null> => {
  let last: ProbeResult | null = null;
  await scanTopic(kafka, { topic: TOPICS.watermarks.name }, async ({ value }) => {
    const point = await codec.decode('WatermarkPoint', value);
    if (point.source === source && point.probe && point.probe.foundAt > 0) last = point.probe;
  });
  return last;
};
