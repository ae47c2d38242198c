/**
 * The AsyncAPI 3.0 document, made of the topics and schemas that the code runs by: what a program beside Freshet may send, and what it
 * can receive. Pure.
 */
import { CLOUD_EVENT_HEADERS } from '../../schemas/cloud-event.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import { documentsTopic } from '../../schemas/model-lanes.ts';
import type { RecordName } from '../../schemas/records.ts';
import { changeTopic, schemaHistoryTopic, TOPICS, type TopicDefinition } from '../../schemas/topics.ts';
import { TRACEPARENT } from '../../schemas/trace-context.ts';

type Json = Readonly<Record<string, unknown>>;

interface AvroRecord {
  readonly name: string;
  readonly doc?: string;
}

interface Channel {
  readonly topic: TopicDefinition;
  readonly messages: readonly string[];
  readonly description: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

const AVRO = 'application/vnd.apache.avro';
const KAFKA_BINDING = { bindingVersion: '0.5.0' } as const;
/** What people and other programs produce themselves, as Avro or by hand as JSON; every other topic is Freshet's own. */
const SENT = TOPICS.tasks;
const SENT_AS_JSON = 'TaskAsJson';
const CHANGE = 'Change';
const TABLE_DEFINITIONS = 'TableDefinitions';

const ref = (...path: readonly string[]): Json => ({ $ref: `#/${path.join('/')}` });

const idOf = (topic: TopicDefinition): string =>
  topic.name.replaceAll(/[{}]/g, '').replaceAll(/[^\w-]/g, '_');

const settingOf = (name: string, value: string): unknown =>
  name === 'cleanup.policy' ? value.split(',') : Number.isNaN(Number(value)) ? value : Number(value);

const headers = {
  type: 'object',
  description:
    'Every record has those of CloudEvents, and what follows from a task its trace; of records that others send any may be left out.',
  properties: {
    [TRACEPARENT]: { type: 'string', description: 'W3C trace context.' },
    ...Object.fromEntries(
      Object.entries(CLOUD_EVENT_HEADERS).map(([name, description]) => [
        name,
        { type: 'string', description },
      ]),
    ),
  },
};

/** What a schema's own words say of the key. */
const keyOf = ({ doc = '' }: AvroRecord): Json => ({
  type: 'string',
  description: /Key: (.+?)\. /.exec(doc)?.[1] ?? '',
});

const messageOf = (schema: AvroRecord): Json => ({
  title: schema.name,
  description: schema.doc,
  contentType: AVRO,
  headers: ref('components', 'schemas', 'Headers'),
  payload: ref('components', 'schemas', schema.name),
  bindings: {
    kafka: {
      key: keyOf(schema),
      schemaIdLocation: 'payload',
      schemaIdPayloadEncoding: 'confluent',
      ...KAFKA_BINDING,
    },
  },
});

/** Messages of Debezium, whose schemas follow from the tables: the registry has them. */
const FOREIGN_MESSAGES = {
  [CHANGE]: {
    title: CHANGE,
    description:
      "One insert, update, delete or truncate of a row: Debezium's envelope. Its schema follows from the table: see the registry, by the id that each record begins with.",
    contentType: AVRO,
    bindings: {
      kafka: {
        key: { type: 'object', description: "The row's primary key as JSON without a schema." },
        schemaIdLocation: 'payload',
        schemaIdPayloadEncoding: 'confluent',
        ...KAFKA_BINDING,
      },
    },
  },
  [TABLE_DEFINITIONS]: {
    title: TABLE_DEFINITIONS,
    description: "What a connector keeps for itself: Debezium's own, and no one else's to read.",
    contentType: 'application/json',
  },
} as const;

const channelOf = ({ topic, messages, description, parameters }: Channel): Json => ({
  address: topic.name,
  description,
  messages: Object.fromEntries(messages.map((name) => [name, ref('components', 'messages', name)])),
  ...(parameters
    ? {
        parameters: Object.fromEntries(
          Object.entries(parameters).map(([name, description]) => [name, { description }]),
        ),
      }
    : {}),
  bindings: {
    kafka: {
      partitions: topic.partitions,
      topicConfiguration: Object.fromEntries(
        Object.entries(topic.settings).map(([name, value]) => [name, settingOf(name, value)]),
      ),
      ...KAFKA_BINDING,
    },
  },
});

const operationOf = ({ topic, messages }: Channel): Json => ({
  action: topic.name === SENT.name ? 'send' : 'receive',
  channel: ref('channels', idOf(topic)),
  messages: messages.map((name) => ref('channels', idOf(topic), 'messages', name)),
});

/** `schemaOf` gives the text of a record's Avro schema. */
export const asyncApiOf = (
  sources: FreshetConfig['sources'],
  schemaOf: (name: RecordName) => string,
  version: string,
): Json => {
  const own: readonly TopicDefinition[] = Object.values(TOPICS);
  const schemas = new Map(
    own.flatMap(({ value }) => (value === null ? [] : [[value, JSON.parse(schemaOf(value)) as AvroRecord]])),
  );
  const sent = messageOf(schemas.get(SENT.value) ?? { name: SENT.value });
  const channels: readonly Channel[] = [
    ...own.map((topic) => {
      const schema = topic.value === null ? undefined : schemas.get(topic.value);
      const names = schema ? [schema.name] : [];
      return {
        topic,
        messages: topic.name === SENT.name ? [...names, SENT_AS_JSON] : names,
        description: schema?.doc ?? '',
      };
    }),
    ...Object.keys(sources).map((source) => ({
      topic: changeTopic(source),
      messages: [CHANGE],
      description: `Changes of every table of the source ${source}, as Debezium captured them.`,
    })),
    {
      topic: documentsTopic({ base: '' }, '{model}'),
      messages: [TOPICS.documents.value],
      description: 'The documents under another embedding model, while it is changed.',
      parameters: { model: 'Name of the embedding model.' },
    },
    {
      topic: schemaHistoryTopic('{source}'),
      messages: [TABLE_DEFINITIONS],
      description: 'Table definitions of a source, where its connector keeps them.',
      parameters: { source: 'Name of the source.' },
    },
  ];
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Freshet',
      version,
      description:
        "Every topic. Values are Avro in Confluent's wire format: a zero byte, the id of the schema in the registry, Avro binary; subjects are the topic's name and -value. Operations are those of a program beside Freshet.",
    },
    defaultContentType: AVRO,
    channels: Object.fromEntries(channels.map((channel) => [idOf(channel.topic), channelOf(channel)])),
    operations: Object.fromEntries(
      channels
        .filter(({ messages }) => !messages.includes(TABLE_DEFINITIONS))
        .map((channel) => [
          `${channel.topic.name === SENT.name ? 'send' : 'receive'}_${idOf(channel.topic)}`,
          operationOf(channel),
        ]),
    ),
    components: {
      messages: {
        ...Object.fromEntries([...schemas].map(([name, schema]) => [name, messageOf(schema)])),
        [SENT_AS_JSON]: {
          ...sent,
          title: SENT_AS_JSON,
          description:
            'A task by hand: a value that begins with { is read as JSON and held to the same schema; fields with a default may be left out.',
          contentType: 'application/json',
          bindings: { kafka: { key: keyOf(schemas.get(SENT.value) ?? { name: '' }), ...KAFKA_BINDING } },
        },
        ...FOREIGN_MESSAGES,
      },
      schemas: {
        Headers: headers,
        ...Object.fromEntries(
          [...schemas].map(([name, schema]) => [name, { schemaFormat: `${AVRO};version=1.9.0`, schema }]),
        ),
      },
    },
  };
};
