/** Reads a cdc topic with nothing of Freshet's own reader, so that the two can't share a mistake. */
import avro from 'avsc';
import { Kafka, logLevel } from 'kafkajs';

export type Captured = {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Full name of the value's record. */
  readonly recordName: string;
  // The shape is Debezium's; tests name the fields that they expect.
  readonly value: Readonly<Record<string, unknown>>;
};

const longAsBigInt = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: () => Buffer.alloc(8),
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => Number(a - b),
});

export const openKafka = (broker: string): Kafka =>
  new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 20, maxRetryTime: 1000 } });

export const createTopic = async (kafka: Kafka, topic: string, numPartitions = 4): Promise<void> => {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions, replicationFactor: 1 }],
  });
  await admin.disconnect();
};

/** Everything of a topic as it arrives; `until` waits for records that satisfy a condition. */
export const captureTopic = async (kafka: Kafka, topic: string, registry: string) => {
  const types = new Map<number, { readonly name: string; readonly type: avro.Type }>();
  const typeOf = async (id: number) => {
    const known = types.get(id);
    if (known) return known;
    const reply = await fetch(`${registry}/apis/ccompat/v7/schemas/ids/${id}`);
    const { schema } = (await reply.json()) as { readonly schema: string };
    const parsed = JSON.parse(schema) as { readonly name: string; readonly namespace: string };
    const type = avro.Type.forSchema(
      parsed as unknown as avro.Schema,
      {
        typeHook: (attributes: unknown) =>
          attributes === 'long' || (attributes as { readonly type?: unknown }).type === 'long'
            ? longAsBigInt
            : undefined,
      } as unknown as object,
    );
    const made = { name: `${parsed.namespace}.${parsed.name}`, type };
    types.set(id, made);
    return made;
  };

  const captured: Captured[] = [];
  const consumer = kafka.consumer({
    groupId: `test-${topic}-${Math.random().toString(36).slice(2)}`,
    maxWaitTimeInMs: 200,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      if (message.value === null) throw new Error('a tombstone on a cdc topic');
      if (message.value[0] !== 0) throw new Error('not in wire format');
      const { name, type } = await typeOf(message.value.readUInt32BE(1));
      captured.push({
        partition,
        offset: Number(message.offset),
        key: message.key?.toString('utf8') ?? null,
        headers: Object.fromEntries(
          Object.entries(message.headers ?? {}).map(([header, text]) => [header, String(text)]),
        ),
        recordName: name,
        value: type.fromBuffer(message.value.subarray(5)) as Readonly<Record<string, unknown>>,
      });
    },
  });
  /** Changes of rows: heartbeats and messages left out. */
  const changes = (): readonly Captured[] =>
    captured.filter(({ value }) => typeof value.op === 'string' && value.op !== 'm');
  return {
    all: (): readonly Captured[] => captured,
    changes,
    until: async (condition: (seen: readonly Captured[]) => boolean, ms = 120_000) => {
      const deadline = Date.now() + ms;
      while (!condition(changes())) {
        if (Date.now() > deadline) throw new Error(`not seen in ${ms} ms; seen: ${captured.length} records`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return changes();
    },
    close: () => consumer.disconnect(),
  };
};
