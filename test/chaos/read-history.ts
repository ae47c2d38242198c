/** What stands in Kafka at the end of a chaos run, as entries of its history. */
import { createHash } from 'node:crypto';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { RecordName, Records } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { HistoryEntry } from './history.ts';

const recordsOf = async <Name extends RecordName>(
  kafka: KafkaClient,
  codec: RecordCodec,
  topic: string,
  name: Name,
): Promise<
  readonly { readonly record: Records[Name]; readonly partition: number; readonly offset: number }[]
> => {
  const found: { value: Buffer | null; partition: number; offset: number }[] = [];
  await scanTopic(kafka, { topic }, ({ value, partition, offset }) =>
    found.push({ value, partition, offset }),
  );
  const decoded = [];
  for (const { value, partition, offset } of found)
    decoded.push({ record: await codec.decode(name, value), partition, offset });
  return decoded;
};

/** Tasks with a result so far. */
export const endedTasks = async (kafka: KafkaClient, codec: RecordCodec): Promise<ReadonlySet<string>> =>
  new Set((await recordsOf(kafka, codec, TOPICS.results.name, 'Result')).map(({ record }) => record.taskId));

export const readHistory = async (
  kafka: KafkaClient,
  codec: RecordCodec,
): Promise<readonly HistoryEntry[]> => {
  const events = await recordsOf(kafka, codec, TOPICS.agentEvents.name, 'AgentEvent');
  const results = await recordsOf(kafka, codec, TOPICS.results.name, 'Result');
  const costs = await recordsOf(kafka, codec, TOPICS.costs.name, 'Cost');
  return [
    ...events.map(({ record, partition, offset }): HistoryEntry => {
      const { executionId, taskId, epoch, sequence, type, worker, step, name, idempotencyKey } = record;
      const event = { executionId, taskId, epoch, sequence, type, worker, step, name, idempotencyKey };
      return { kind: 'journal', partition, offset, event };
    }),
    ...results.map(({ record }): HistoryEntry => {
      const { taskId, outcome, error, costUsd } = record;
      const digest = createHash('sha256').update(JSON.stringify(record)).digest('hex').slice(0, 16);
      return { kind: 'result', taskId, outcome, code: error?.code ?? null, costUsd, digest };
    }),
    ...costs.map(({ record: { taskId, costId, usd, settled } }): HistoryEntry => {
      return { kind: 'cost', taskId, costId, usd, settled };
    }),
  ];
};
