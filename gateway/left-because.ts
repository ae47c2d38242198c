/** Which refused documents nothing can come of when a person decides about them, and what to do instead. */
import type { KafkaClient } from '../connectors/kafka/kafka.ts';
import { AGENT_SOURCES } from '../schemas/agent-sources.ts';
import { NEVER_RELEASED } from '../schemas/gates.ts';
import type { ChangePosition, Quarantined } from '../schemas/records.ts';
import type { RELEASE_ACTIONS } from '../schemas/release-decision.ts';

/** Whether the topic of a change reaches back to it, and on to it: one that was made anew may not have come so far. */
type IsKept = (change: ChangePosition) => boolean;

/** Errors: `kafka-unavailable`. */
export const readKeptChanges = async (kafka: KafkaClient, topics: readonly string[]): Promise<IsKept> => {
  const there = new Set(await kafka.admin.listTopics());
  const logs = await Promise.all(
    [...new Set(topics)]
      .filter((topic) => there.has(topic))
      .map(async (topic) => [topic, await kafka.admin.offsets(topic)] as const),
  );
  const byTopic = new Map(logs);
  return ({ topic, partition, offset }) => {
    const log = byTopic.get(topic)?.find((each) => each.partition === partition);
    return log !== undefined && offset >= log.earliest && offset < log.latest;
  };
};

/** Null: it can be decided about. */
export const leftBecause = (
  each: Quarantined | string,
  action: (typeof RELEASE_ACTIONS)[number],
  ownTenant: string | null,
  isKept: IsKept,
): string | null => {
  if (typeof each === 'string' || (ownTenant !== null && each.tenant !== ownTenant))
    return 'not in quarantine';
  const place = placeUnknownBecause(each, isKept);
  if (place !== null) return place;
  if (action !== 'release') return null;
  const { gate, reason } = each;
  const never =
    reason === 'too-many-bytes' ||
    (reason !== 'drifted' && [...NEVER_RELEASED].some((name) => name === gate));
  return never || each.contentHash === ''
    ? `what ${gate} finds as ${reason} cannot be stored: mend the row`
    : null;
};

const placeUnknownBecause = (
  { source, table, partition, change }: Quarantined,
  isKept: IsKept,
): string | null => {
  // No snapshot reads these again, and their topic keeps the newest of every key, however old.
  if (AGENT_SOURCES.has(source))
    return partition < 0 || change.offset < 0
      ? 'its change cannot be found: it is judged again when its agent writes it anew'
      : null;
  if (partition < 0) return 'refused by an older version of Freshet: snapshot its table to judge it again';
  return isKept(change)
    ? null
    : `its change is in the log no more; run: freshet source snapshot ${source} --tables ${table}`;
};
