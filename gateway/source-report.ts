/** How the sources stand: what their watch said, and how far index-documents is behind their change topics. */

import type { KafkaClient } from '../connectors/kafka/kafka.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import type { FreshetConfig } from '../schemas/config.ts';
import { FreshetError } from '../schemas/errors.ts';
import { INDEX_DOCUMENTS_GROUP } from '../schemas/groups.ts';
import { ownField } from '../schemas/own-field.ts';
import type { SourceState } from '../schemas/records.ts';
import { changeTopic } from '../schemas/topics.ts';
import { behindOf, recordsBehind } from './committed-lag.ts';
import { standingState } from './views/standing-state.ts';
import { isoTime } from './views/times.ts';

export interface SourceLag {
  readonly records: number;
  /** Age of the oldest record that is not done yet; 0 where there is none. */
  readonly seconds: number;
}

/** Null where there is no change topic, or nothing was ever committed. */
const lagOf = async (kafka: KafkaClient, source: string, nowMs: number): Promise<SourceLag | null> => {
  const topic = changeTopic(source).name;
  // A source that was never captured, or whose topic was deleted, must not hide how the others stand.
  if (!(await kafka.admin.listTopics()).includes(topic)) return null;
  const committed = await kafka.admin.committed(INDEX_DOCUMENTS_GROUP, topic);
  if (committed.size === 0) return null;
  const behind = behindOf(await kafka.admin.offsets(topic), committed);
  if (behind.length === 0) return { records: 0, seconds: 0 };
  let oldest = nowMs;
  const range = {
    topic,
    partitions: behind.map(({ partition }) => partition),
    from: new Map(behind.map(({ partition, from }) => [partition, from])),
    // The first of each partition is the oldest of it.
    to: new Map(behind.map(({ partition, from }) => [partition, from + 1])),
  };
  await scanTopic(kafka, range, ({ timestamp }) => {
    oldest = Math.min(oldest, timestamp);
  });
  return {
    records: recordsBehind(behind),
    seconds: Math.max(0, Math.round((nowMs - oldest) / 100) / 10),
  };
};

/** Sources that were watched and that the configuration names no more: nobody looks at them, and what they made stays. */
export const sourcesLeft = (
  { sources }: Pick<FreshetConfig, 'sources'>,
  states: ReadonlyMap<string, unknown>,
): readonly string[] => [...states.keys()].filter((source) => !(source in sources)).sort();

export const reportSource = async (
  kafka: KafkaClient,
  config: FreshetConfig,
  states: ReadonlyMap<string, SourceState>,
  source: string,
  nowMs: number,
) => {
  const configured = ownField(config.sources, source);
  if (!configured)
    throw new FreshetError('not-found', `there is no source ${source}; run: freshet source list`);
  const said = states.get(source);
  const state = said && standingState(said, nowMs * 1_000);
  return {
    source,
    kind: configured.kind,
    state: state?.state ?? ('unknown' as const),
    reason: state ? state.reason : 'the pipeline role has not looked at it yet',
    epoch: state?.epoch ?? null,
    connector: state?.connector ?? 'unknown',
    restarts: state?.restarts ?? 0,
    retainedWalBytes: state?.retainedWalBytes ?? null,
    lag: await lagOf(kafka, source, nowMs),
    swept: state?.swept ?? null,
    tables: (state?.tables ?? []).map(({ table, state: is, reason, since }) => ({
      table,
      state: is,
      reason,
      since: isoTime(since),
    })),
    updatedAt: state ? isoTime(state.updatedAt) : null,
  };
};
