/**
 * After a start only the last of the journal is read, and of tasks more: a task whose execution lies before that looks as if
 * nobody had begun it. Its result says otherwise.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { ExecutionList } from './execution-list.ts';
import type { TopicReader } from './read-topics.ts';

const LOOK_MS = 200;
/** By partition; compaction leaves one a task. */
const MOST_RESULTS = 50_000;

/** Whenever a reading of the log begins, when what stood in the log at the start is read. Errors: `kafka-unavailable`, `registry-unavailable`. */
export const fillEnded = async (
  of: {
    readonly kafka: KafkaClient;
    readonly codec: Pick<RecordCodec, 'decode'>;
    readonly executions: ExecutionList;
    readonly reader: Pick<TopicReader, 'waitingFor'>;
  },
  signal: AbortSignal,
): Promise<void> => {
  const { kafka, codec, executions, reader } = of;
  while (reader.waitingFor() !== null) {
    if (signal.aborted) return;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  const unbegun = new Set(executions.unbegun());
  if (unbegun.size === 0 || signal.aborted) return;
  const topic = TOPICS.results.name;
  const from = new Map(
    (await kafka.admin.offsets(topic)).map(({ partition, latest }) => [partition, latest - MOST_RESULTS]),
  );
  await scanTopic(kafka, { topic, from }, async ({ key, value }) => {
    if (signal.aborted) return false;
    if (value === null || !unbegun.has(key?.toString('utf8') ?? '')) return true;
    try {
      executions.addResult(await codec.decode('Result', value));
    } catch (error) {
      // Somebody else's record under that key.
      if (!(error instanceof FreshetError) || error.code !== 'record-unreadable') throw error;
    }
    return true;
  });
};
