/** The AsyncAPI document against the topics and schemas that the code runs by, and against the shape that AsyncAPI 3.0 asks for. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { schemaText } from '../../../connectors/registry/record-codec.ts';
import { asyncApiOf } from '../../../gateway/http/async-api.ts';
import { cloudEventHeaders } from '../../../schemas/cloud-event.ts';
import { parseConfig } from '../../../schemas/config.ts';
import { type RecordName, SCHEMA_FILES } from '../../../schemas/records.ts';
import { changeTopic, TOPICS, type TopicDefinition } from '../../../schemas/topics.ts';

interface Reference {
  readonly $ref: string;
}
interface Operation {
  readonly action: string;
  readonly channel: Reference;
  readonly messages: readonly Reference[];
}
interface ChannelObject {
  readonly address: string;
  readonly messages: Readonly<Record<string, Reference>>;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly bindings: {
    readonly kafka: {
      readonly partitions: number;
      readonly topicConfiguration: Readonly<Record<string, unknown>>;
    };
  };
}
interface MessageObject {
  readonly contentType: string;
  readonly headers?: Reference;
  readonly payload?: Reference;
  readonly bindings?: { readonly kafka: { readonly key: { readonly description: string } } };
}
interface AsyncApi {
  readonly asyncapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly channels: Readonly<Record<string, ChannelObject>>;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: {
    readonly messages: Readonly<Record<string, MessageObject>>;
    readonly schemas: Readonly<
      Record<
        string,
        { readonly schemaFormat?: string; readonly schema?: unknown; readonly properties?: object }
      >
    >;
  };
}

const column = (): string => 'x';
const { sources } = parseConfig({
  sources: {
    shop: {
      kind: 'postgres',
      url: 'sample',
      tables: { 'public.a': { title: column, text: column, tenant: column } },
    },
  },
  agents: [],
});
const made = asyncApiOf(sources, schemaText, '1.2.3');
const document = JSON.parse(JSON.stringify(made)) as AsyncApi;
const channels = Object.values(document.channels);
const channelAt = (address: string): ChannelObject | undefined =>
  channels.find((channel) => channel.address === address);
const resolved = ($ref: string): unknown =>
  $ref
    .split('/')
    .slice(1)
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
const own: readonly TopicDefinition[] = Object.values(TOPICS);

test.each([...own, changeTopic('shop')])('$name is a channel as it is created', (topic) => {
  const channel = channelAt(topic.name);
  const { partitions, topicConfiguration } = channel?.bindings.kafka ?? {};
  expect(partitions).toBe(topic.partitions);
  expect(
    Object.fromEntries(
      Object.entries(topicConfiguration ?? {}).map(([name, value]) => [name, String(value)]),
    ),
  ).toEqual(topic.settings);
  const [first] = Object.values(channel?.messages ?? {});
  const message = resolved(first?.$ref ?? '') as MessageObject;
  expect(message.bindings?.kafka.key.description).not.toBe('');
  if (topic.value !== null)
    expect((resolved(message.payload?.$ref ?? '') as { schema: unknown }).schema).toEqual(
      JSON.parse(schemaText(topic.value)),
    );
});

test('every schema of the folder stands in it, as Avro', () => {
  const files = readdirSync(new URL('../../../schemas/avro/', import.meta.url));
  const names = Object.keys(SCHEMA_FILES) as RecordName[];
  expect(names.map((name) => SCHEMA_FILES[name]).sort()).toEqual(files.sort());
  for (const name of names)
    expect(document.components.schemas[name]?.schemaFormat).toBe('application/vnd.apache.avro;version=1.9.0');
});

test('a task can be sent as Avro or JSON; all else is received', () => {
  const sent = Object.values(document.operations).filter(({ action }) => action === 'send');
  expect(sent.map(({ channel }) => (resolved(channel.$ref) as ChannelObject).address)).toEqual([
    TOPICS.tasks.name,
  ]);
  expect(
    sent[0]?.messages.map(
      ({ $ref }) => (resolved((resolved($ref) as Reference).$ref) as MessageObject).contentType,
    ),
  ).toEqual(['application/vnd.apache.avro', 'application/json']);
  const received = Object.values(document.operations)
    .filter(({ action }) => action === 'receive')
    .map(({ channel }) => (resolved(channel.$ref) as ChannelObject).address);
  for (const { name } of [...own, changeTopic('shop')])
    expect(received.includes(name)).toBe(name !== TOPICS.tasks.name);
});

test('headers are those that are written', () => {
  const written = cloudEventHeaders({ id: '1', type: 't', source: 's', at: 0 });
  expect(Object.keys(document.components.schemas.Headers?.properties ?? {}).sort()).toEqual(
    ['traceparent', ...Object.keys(written)].sort(),
  );
});

test('it has the shape of AsyncAPI 3.0, and every reference leads somewhere', () => {
  expect(document.asyncapi).toBe('3.0.0');
  expect(document.info).toMatchObject({ title: 'Freshet', version: '1.2.3' });
  const seen: string[] = [];
  JSON.stringify(document, (name, value: unknown) => {
    if (name === '$ref') seen.push(String(value));
    return value;
  });
  expect(seen.length).toBeGreaterThan(0);
  for (const $ref of seen) expect([$ref, resolved($ref)]).not.toEqual([$ref, undefined]);
  for (const id of [
    ...Object.keys(document.channels),
    ...Object.keys(document.operations),
    ...Object.keys(document.components.messages),
    ...Object.keys(document.components.schemas),
  ])
    expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(new Set(channels.map(({ address }) => address)).size).toBe(channels.length);
  for (const { address, parameters = {} } of channels)
    expect([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)).toEqual(Object.keys(parameters));
  for (const { channel, messages } of Object.values(document.operations)) {
    expect(messages.length).toBeGreaterThan(0);
    // An operation's messages are those of its own channel, by the channel.
    for (const { $ref } of messages) expect($ref.startsWith(`${channel.$ref}/messages/`)).toBe(true);
  }
});
