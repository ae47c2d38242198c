/** The change of embedding model as freshet.control tells it, read whole: what a command goes on from, and whether it held. */
import type { KafkaClient } from '../connectors/kafka/kafka.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { LANES_KEY, lanesAfter, nothingAsked, type StandingLanes } from '../schemas/model-lanes.ts';
import { TOPICS } from '../schemas/topics.ts';

export interface LaneLog {
  readonly standing: StandingLanes;
  /** Id of the newest command, be it void; null where there is none. Compaction keeps that one alone. */
  readonly newest: string | null;
  /** Ids of commands that held when they came. */
  readonly held: ReadonlySet<string>;
}

/** `base`: the configured model. Errors: `kafka-unavailable`, `registry-unavailable`, `config-invalid` (see lanesOfControl). */
export const readLanes = async (
  kafka: KafkaClient,
  codec: Pick<RecordCodec, 'decode'>,
  base: string,
): Promise<LaneLog> => {
  const held = new Set<string>();
  let standing = nothingAsked(base);
  let newest: string | null = null;
  let wrong: unknown;
  await scanTopic(kafka, { topic: TOPICS.control.name }, async ({ key, value }) => {
    if (key?.toString('utf8') !== LANES_KEY) return;
    try {
      const control = value === null ? null : await codec.decode('Control', value);
      standing = lanesAfter(standing, control);
      newest = control?.id ?? null;
      if (control && standing.control === control) held.add(control.id);
      wrong = undefined;
    } catch (error) {
      // What comes behind it may say otherwise.
      wrong = error;
    }
  });
  if (wrong !== undefined) throw wrong;
  return { standing, newest, held };
};
