/** The tracker of one plane's source, in this process. */
import { trackFreshness } from '../../pipelines/track-freshness/track-freshness.ts';
import { type Clock, systemClock } from '../../schemas/clock.ts';
import type { Retriever } from '../../schemas/search.ts';
import type { DataPlane } from './indexed-source.ts';

export const startTracking = async (plane: DataPlane, clock: Clock = systemClock, retriever?: Retriever) => {
  const { kafka, writer, codec, connect, config, url } = plane;
  const troubles: Error[] = [];
  const work = await trackFreshness({
    ...{ kafka, writer, codec, connect, config, clock },
    urlOf: () => url,
    ...(retriever ? { retriever } : {}),
    onTrouble: (_, error) => troubles.push(error),
  });
  return { ...work, troubles };
};
