/**
 * A task whose execution was not read, or was forgotten, looks as if nobody had begun it: after a start only the last of the journal is
 * read, and of tasks more; and one that is sent again under its key long after it ended is passed over by every worker. Its result says
 * otherwise, and is looked for once of each that its workers have passed: one that is merely queued, or waits for its time, is not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommittedOffset, KafkaClient } from '../../connectors/kafka/kafka.ts';
import { partitionOfKey } from '../../connectors/kafka/partition-of-key.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { isUnreadable } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { ExecutionList } from './execution-list.ts';
import type { TopicReader } from './read-topics.ts';

export interface FillEndedSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly executions: ExecutionList;
  readonly reader: Pick<TopicReader, 'waitingFor'>;
  /** Up to where workers are done with each partition of freshet.tasks. Errors: `kafka-unavailable`. */
  readonly passed: () => Promise<ReadonlyMap<number, Pick<CommittedOffset, 'offset'>>>;
  readonly lookAgainMs?: number;
}

const LOOK_MS = 200;
/** Most tasks are begun sooner, and never looked for. */
const LOOK_AGAIN_MS = 5_000;
/** Of the time, at most. */
const SHARE_OF_TIME = 0.05;
/** By partition; compaction leaves one a task. */
const MOST_RESULTS = 50_000;

/** Goes on until the signal, from when what stood in the log at the start is read. Errors: `kafka-unavailable`, `registry-unavailable`. */
export const fillEnded = async (settings: FillEndedSettings, signal: AbortSignal): Promise<void> => {
  const { reader, lookAgainMs = LOOK_AGAIN_MS } = settings;
  const rest = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
  while (reader.waitingFor() !== null) {
    if (signal.aborted) return;
    await rest(LOOK_MS);
  }
  /** As of the last look; at the first one, all of them are. */
  let seen: ReadonlySet<string> | null = null;
  let asked: ReadonlySet<string> = new Set();
  while (!signal.aborted) {
    const passed = await passedOver(settings);
    const wanted = new Set(
      passed.filter((taskId) => (seen === null || seen.has(taskId)) && !asked.has(taskId)),
    );
    const begun = performance.now();
    if (wanted.size > 0) await fill(settings, wanted, signal);
    asked = new Set(passed.filter((taskId) => asked.has(taskId) || wanted.has(taskId)));
    seen = new Set(passed);
    await rest(Math.max(lookAgainMs, (performance.now() - begun) / SHARE_OF_TIME));
  }
};

/** Their ids: whoever is done with a task has journaled what became of it, or has passed it over. */
const passedOver = async ({
  executions,
  passed,
}: Pick<FillEndedSettings, 'executions' | 'passed'>): Promise<readonly string[]> => {
  const unbegun = executions.unbegun();
  if (unbegun.length === 0) return [];
  const upTo = await passed();
  return unbegun
    .filter(({ place }) => place !== null && place.offset < (upTo.get(place.partition)?.offset ?? 0))
    .map(({ taskId }) => taskId);
};

const fill = async (
  { kafka, codec, executions }: Pick<FillEndedSettings, 'kafka' | 'codec' | 'executions'>,
  wanted: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> => {
  const { name: topic, partitions: count } = TOPICS.results;
  const partitions = [...new Set([...wanted].map((taskId) => partitionOfKey(Buffer.from(taskId), count)))];
  const from = new Map(
    (await kafka.admin.offsets(topic)).map(({ partition, latest }) => [partition, latest - MOST_RESULTS]),
  );
  await scanTopic(kafka, { topic, partitions, from }, async ({ key, value }) => {
    if (signal.aborted) return false;
    if (value === null || !wanted.has(key?.toString('utf8') ?? '')) return true;
    try {
      executions.addResult(await codec.decode('Result', value));
    } catch (error) {
      // Somebody else's record under that key.
      if (!isUnreadable(error)) throw error;
    }
    return true;
  });
};
