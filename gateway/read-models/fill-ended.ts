/**
 * A task whose execution was not read, or was forgotten, looks as if nobody had begun it: after a start only the last of the journal is
 * read, and of tasks more; and one that is sent again under its key long after it ended is passed over by every worker. Its result says
 * otherwise, and is looked for once of each.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { ExecutionList } from './execution-list.ts';
import type { TopicReader } from './read-topics.ts';

export interface FillEndedSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly executions: ExecutionList;
  readonly reader: Pick<TopicReader, 'waitingFor'>;
  readonly lookAgainMs?: number;
}

const LOOK_MS = 200;
/** Most tasks are begun sooner, and never looked for. */
const LOOK_AGAIN_MS = 5_000;
/** Of the time, at most: under a backlog new ones wait with every look. */
const SHARE_OF_TIME = 0.05;
/** By partition; compaction leaves one a task. */
const MOST_RESULTS = 50_000;

/** Goes on until the signal, from when what stood in the log at the start is read. Errors: `kafka-unavailable`, `registry-unavailable`. */
export const fillEnded = async (settings: FillEndedSettings, signal: AbortSignal): Promise<void> => {
  const { executions, reader, lookAgainMs = LOOK_AGAIN_MS } = settings;
  const rest = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
  while (reader.waitingFor() !== null) {
    if (signal.aborted) return;
    await rest(LOOK_MS);
  }
  /** As of the last look; at the first one, all of them are. */
  let seen = new Set(executions.unbegun());
  let asked = new Set<string>();
  while (!signal.aborted) {
    const unbegun = executions.unbegun();
    const wanted = new Set(unbegun.filter((taskId) => seen.has(taskId) && !asked.has(taskId)));
    const begun = performance.now();
    if (wanted.size > 0) await fill(settings, wanted, signal);
    asked = new Set(unbegun.filter((taskId) => asked.has(taskId) || wanted.has(taskId)));
    seen = new Set(unbegun);
    await rest(Math.max(lookAgainMs, (performance.now() - begun) / SHARE_OF_TIME));
  }
};

const fill = async (
  { kafka, codec, executions }: Omit<FillEndedSettings, 'reader'>,
  wanted: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> => {
  const topic = TOPICS.results.name;
  const from = new Map(
    (await kafka.admin.offsets(topic)).map(({ partition, latest }) => [partition, latest - MOST_RESULTS]),
  );
  await scanTopic(kafka, { topic, from }, async ({ key, value }) => {
    if (signal.aborted) return false;
    if (value === null || !wanted.has(key?.toString('utf8') ?? '')) return true;
    try {
      executions.addResult(await codec.decode('Result', value));
    } catch (error) {
      // Somebody else's record under that key.
      if (!(error instanceof FreshetError) || error.code !== 'record-unreadable') throw error;
    }
    return true;
  });
};
