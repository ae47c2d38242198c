/** Kafka and the registry of the run, opened for tests of agents: tasks in, journal and results out. */
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter, type RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import type { AgentEvent, RecordName, Records, Task } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';

export interface AgentsStack {
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  submit(task: Partial<Task> & Pick<Task, 'agent' | 'input'>, partition?: number): Promise<string>;
  /** All records of a topic that a test asks for, by its own check. */
  read<Name extends RecordName>(
    topic: string,
    name: Name,
    wanted: (record: Records[Name]) => boolean,
  ): Promise<
    readonly { readonly record: Records[Name]; readonly partition: number; readonly offset: number }[]
  >;
  journalOf(
    taskId: string,
  ): Promise<readonly (AgentEvent & { readonly offset: number; readonly partition: number })[]>;
  close(): Promise<void>;
}

/** `servers`: those of the run where left out. */
export const openAgentsStack = async (
  servers: { readonly kafka: string; readonly schemaRegistry: string } = inject('stack'),
): Promise<AgentsStack> => {
  const { kafka: broker, schemaRegistry } = servers;
  const kafka = await createKafkaJsClient({ brokers: [broker], clientId: 'agents-test' });
  await kafka.admin.createTopics(Object.values(TOPICS));
  const codec = await openRecordCodec(openSchemaRegistry(`${schemaRegistry}/apis/ccompat/v7`));
  const writer = openRecordWriter(kafka);

  const read: AgentsStack['read'] = async (topic, name, wanted) => {
    const found: { value: Buffer | null; partition: number; offset: number }[] = [];
    await scanTopic(kafka, { topic }, ({ value, partition, offset }) => {
      found.push({ value, partition, offset });
    });
    const decoded = await Promise.all(
      found.map(async ({ value, partition, offset }) => {
        // The log is shared: another test may have written what nobody can read.
        const record = await codec.decode(name, value).catch(() => null);
        return record && wanted(record) ? [{ record, partition, offset }] : [];
      }),
    );
    return decoded.flat();
  };

  return {
    kafka,
    codec,
    writer,
    read,
    submit: async (task, partition) => {
      const whole: Task = {
        taskId: `task-of-test-${randomUUID()}`,
        tenant: 'acme',
        principal: null,
        sessionId: null,
        feature: null,
        budget: null,
        freshness: null,
        createdAt: 0,
        priority: 0,
        notBefore: null,
        deadlineAt: null,
        parent: null,
        fork: null,
        ...task,
      };
      await writer.append([
        {
          topic: TOPICS.tasks.name,
          key: whole.sessionId ?? whole.taskId,
          value: codec.encode('Task', whole),
          ...(partition === undefined ? {} : { partition }),
        },
      ]);
      return whole.taskId ?? '';
    },
    journalOf: async (taskId) =>
      (await read(TOPICS.agentEvents.name, 'AgentEvent', (event) => event.taskId === taskId)).map(
        ({ record, partition, offset }) => ({ ...record, partition, offset }),
      ),
    close: async () => {
      await writer.close();
      await kafka.close();
    },
  };
};

/** Asks again until the answer is not undefined. The deadline is for what never comes; nothing is measured by it. */
export const eventually = async <Of>(
  what: string,
  ask: () => Promise<Of | undefined> | Of | undefined,
  withinMs = 120_000,
): Promise<Of> => {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
