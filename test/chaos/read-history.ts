/** What stands in Kafka at the end of a chaos run, as entries of its history. */
import { createHash } from 'node:crypto';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { dayOf } from '../../schemas/budget-ledger.ts';
import { parseRecollection, RECALL } from '../../schemas/recollection.ts';
import type { AgentEvent, RecordName, Records } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EntryOf, HistoryEntry, JournaledEvent } from './history.ts';

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

const journaledOf = (record: AgentEvent): JournaledEvent => {
  const { executionId, taskId, sessionId, epoch, sequence, type, worker, step, name, idempotencyKey } =
    record;
  const told = type === 'memory-update' && name === RECALL ? parseRecollection(record.output) : null;
  return {
    ...{ executionId, taskId, sessionId, epoch, sequence, type, worker, step, name, idempotencyKey },
    code: record.error?.code ?? null,
    recalled: told && {
      session: told.session,
      turns: told.turns.map((turn) => turn.executionId),
    },
  };
};

/** Sessions that the executions of these tasks were told of, however much that was. */
export const toldSessions = async (
  kafka: KafkaClient,
  codec: RecordCodec,
  taskIds: ReadonlySet<string>,
): Promise<ReadonlySet<string>> => {
  const events = await recordsOf(kafka, codec, TOPICS.agentEvents.name, 'AgentEvent');
  const told = new Set<string>();
  for (const { record } of events) {
    const { taskId, sessionId, recalled } = journaledOf(record);
    const isTold = recalled?.session === 'known' || recalled?.session === 'new';
    if (isTold && sessionId !== null && taskIds.has(taskId)) told.add(sessionId);
  }
  return told;
};

export const readCosts = async (
  kafka: KafkaClient,
  codec: RecordCodec,
): Promise<readonly EntryOf<'cost'>[]> =>
  (await recordsOf(kafka, codec, TOPICS.costs.name, 'Cost')).map(
    ({ record: { taskId, costId, agent, at, usd, settled } }) => ({
      ...{ kind: 'cost', taskId, costId, agent, day: dayOf(at), usd, settled },
    }),
  );

export const readHistory = async (
  kafka: KafkaClient,
  codec: RecordCodec,
): Promise<readonly HistoryEntry[]> => {
  const events = await recordsOf(kafka, codec, TOPICS.agentEvents.name, 'AgentEvent');
  const results = await recordsOf(kafka, codec, TOPICS.results.name, 'Result');
  return [
    ...events.map(({ record, partition, offset }): HistoryEntry => {
      return { kind: 'journal', partition, offset, event: journaledOf(record) };
    }),
    ...results.map(({ record }): HistoryEntry => {
      const { taskId, outcome, error, costUsd } = record;
      const digest = createHash('sha256').update(JSON.stringify(record)).digest('hex').slice(0, 16);
      return { kind: 'result', taskId, outcome, code: error?.code ?? null, costUsd, digest };
    }),
    ...(await readCosts(kafka, codec)),
  ];
};
