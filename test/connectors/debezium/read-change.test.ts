/** Debezium's envelope → change: every operation, and every way in which a record can be none. */
import avro from 'avsc';
import { describe, expect, test } from 'vitest';
import { UNAVAILABLE } from '../../../connectors/debezium/change.ts';
import { createChangeReader } from '../../../connectors/debezium/read-change.ts';
import type { KafkaRecord } from '../../../connectors/kafka/kafka.ts';
import { documentIdOf } from '../../../schemas/document-id.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { makeVersion } from '../../../schemas/version.ts';

const optional = (type: avro.Schema) => ['null', type];
const listOf = (items: string | object) => ['null', { type: 'array', items: ['null', items] }];
const ROW = {
  type: 'record',
  name: 'Value',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'body', type: optional('string') },
    { name: 'picture', type: optional('bytes') },
    { name: 'tags', type: listOf('string'), default: null },
    { name: 'pictures', type: listOf('bytes'), default: null },
    { name: 'numbers', type: listOf('int'), default: null },
    { name: 'bigs', type: listOf('long'), default: null },
    { name: 'ratios', type: listOf('double'), default: null },
    { name: 'smalls', type: listOf({ type: 'int', 'connect.type': 'int16' }), default: null },
    {
      name: 'days',
      type: listOf({ type: 'string', 'connect.name': 'io.debezium.time.IsoDate' }),
      default: null,
    },
    {
      name: 'keys',
      type: listOf({ type: 'string', 'connect.name': 'io.debezium.data.Uuid' }),
      default: null,
    },
  ],
};
const ENVELOPE = {
  type: 'record',
  name: 'Envelope',
  namespace: 'shop.public.articles',
  fields: [
    { name: 'before', type: optional(ROW as avro.Schema), default: null },
    { name: 'after', type: optional('Value'), default: null },
    {
      name: 'source',
      type: {
        type: 'record',
        name: 'Source',
        fields: [
          { name: 'connector', type: 'string' },
          { name: 'schema', type: 'string' },
          { name: 'table', type: 'string' },
          { name: 'snapshot', type: optional('string'), default: null },
          { name: 'sequence', type: optional('string'), default: null },
          { name: 'lsn', type: optional('long'), default: null },
          { name: 'ts_us', type: optional('long'), default: null },
          { name: 'ts_ms', type: optional('long'), default: null },
        ],
      },
    },
    { name: 'op', type: 'string' },
    { name: 'ts_us', type: optional('long'), default: null },
    { name: 'ts_ms', type: optional('long'), default: null },
  ],
};
const HEARTBEAT = { type: 'record', name: 'Heartbeat', fields: [{ name: 'ts_ms', type: 'long' }] };
/** Its row is a text. */
const TEXTUAL = {
  ...ENVELOPE,
  fields: ENVELOPE.fields.map((field) =>
    field.name === 'before' || field.name === 'after'
      ? { name: field.name, type: optional('string'), default: null }
      : field,
  ),
};
const SCHEMAS: Readonly<Record<number, object>> = {
  ...{ 1: ENVELOPE, 2: HEARTBEAT, 5: TEXTUAL },
  3: { type: 'object', properties: { op: { type: 'string' } } },
  4: ['null', 'string'],
};

/** The registry does not answer when asked for this one. */
const AWAY = 98;

const bigints = () =>
  ({
    typeHook: (schema: avro.Schema) =>
      schema === 'long' || (schema as { type?: unknown }).type === 'long'
        ? avro.types.LongType.__with({
            fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
            toBuffer: (value: bigint) => {
              const bytes = Buffer.alloc(8);
              bytes.writeBigInt64LE(value);
              return bytes;
            },
            fromJSON: BigInt,
            toJSON: String,
            isValid: (value: unknown) => typeof value === 'bigint',
            compare: (a: bigint, b: bigint) => Number(a - b),
          })
        : undefined,
  }) as unknown as Parameters<typeof avro.Type.forSchema>[1];

const encoded = (id: number, value: unknown): Buffer => {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return Buffer.concat([
    header,
    avro.Type.forSchema((SCHEMAS[id] ?? 'null') as avro.Schema, bigints()).toBuffer(value),
  ]);
};

const source = {
  connector: 'postgresql',
  schema: 'public',
  table: 'articles',
  snapshot: 'false',
  sequence: '["500","600"]',
  lsn: 600n,
  ts_us: 1_700_000_000_000_001n,
  ts_ms: null,
};
const LISTS = {
  tags: null,
  pictures: null,
  numbers: null,
  bigs: null,
  ratios: [],
  smalls: [],
  days: [],
  keys: null,
};
const row = { id: 9007199254740993n, body: 'Text.', picture: null, ...LISTS };
const envelope = (fields: object = {}) => ({
  before: null,
  after: row,
  source,
  op: 'c',
  ts_us: 1_700_000_000_000_009n,
  ts_ms: null,
  ...fields,
});
const recordOf = (fields: Partial<KafkaRecord> = {}): KafkaRecord => ({
  topic: 'cdc.shop',
  partition: 0,
  offset: 0,
  timestamp: 0,
  key: Buffer.from('{"id":9007199254740993}'),
  value: encoded(1, envelope()),
  headers: { 'freshet-epoch': Buffer.from('7') },
  ...fields,
});

const reader = createChangeReader({
  schemaById: async (id) => {
    const schema = SCHEMAS[id];
    if (!schema)
      throw new FreshetError(id === AWAY ? 'registry-unavailable' : 'not-found', `no schema ${id}`);
    return JSON.stringify(schema);
  },
});
const read = (fields: Partial<KafkaRecord> = {}) => reader.read(recordOf(fields));
const readEnvelope = (fields: object, record: Partial<KafkaRecord> = {}) =>
  read({ value: encoded(1, envelope(fields)), ...record });

describe('operations', () => {
  test.each(['c', 'u', 'r'])('%s carries key, row, version and times', async (op) => {
    expect(await readEnvelope({ op })).toEqual({
      kind: 'change',
      change: {
        kind: 'upsert',
        table: 'public.articles',
        version: makeVersion(7, [500n, 600n]),
        committedAt: 1_700_000_000_000_001,
        capturedAt: 1_700_000_000_000_009,
        key: { id: '9007199254740993' },
        row,
        read: op === 'r',
        unavailable: [],
      },
    });
  });

  test('d needs neither after nor before image', async () => {
    expect(await readEnvelope({ op: 'd', after: null })).toMatchObject({
      kind: 'change',
      change: { kind: 'delete', key: { id: '9007199254740993' }, version: makeVersion(7, [500n, 600n]) },
    });
  });

  test('t has no key', async () => {
    expect(await readEnvelope({ op: 't', after: null }, { key: null })).toMatchObject({
      kind: 'change',
      change: { kind: 'truncate', table: 'public.articles' },
    });
  });

  test.each([
    ['a logical message', recordOf({ value: encoded(1, envelope({ op: 'm' })), key: null })],
    ['a heartbeat', recordOf({ value: encoded(2, { ts_ms: 1n }) })],
    ["another tool's tombstone", recordOf({ value: null })],
  ])('%s is dropped', async (_, record) => {
    expect(await reader.read(record)).toEqual({ kind: 'dropped' });
  });
});

describe('positions (rule V)', () => {
  const versionOf = async (fields: object, record: Partial<KafkaRecord> = {}) => {
    const each = await readEnvelope({ source: { ...source, ...fields } }, record);
    return each.kind === 'change' ? each.change.version : each;
  };

  test.each([
    ['streamed', {}, makeVersion(7, [500n, 600n])],
    ['streamed before any commit was seen', { sequence: '[null,"600"]' }, makeVersion(7, [1n, 600n])],
    ['streamed without a sequence', { sequence: null }, makeVersion(7, [1n, 600n])],
    ['read by the snapshot', { snapshot: 'true', sequence: '[null,"600"]' }, makeVersion(7, [0n, 600n])],
    [
      'the last read of the snapshot',
      { snapshot: 'last', sequence: '["500","600"]' },
      makeVersion(7, [0n, 600n]),
    ],
    ['without the field', { snapshot: null }, makeVersion(7, [500n, 600n])],
  ])('%s', async (_, fields, version) => {
    expect(await versionOf(fields)).toBe(version);
  });

  test('without the header the epoch is 0; one that is no number makes the record unreadable', async () => {
    expect(await versionOf({}, { headers: {} })).toBe(makeVersion(0, [500n, 600n]));
    expect(await readEnvelope({}, { headers: { 'freshet-epoch': Buffer.from('x') } })).toMatchObject({
      kind: 'unreadable',
      reason: 'schema-mismatch',
    });
  });

  test('a position that is none makes the record unreadable', async () => {
    expect(await readEnvelope({ source: { ...source, sequence: '["abc"]' } })).toMatchObject({
      kind: 'unreadable',
      reason: 'schema-mismatch',
    });
    expect(await readEnvelope({ source: { ...source, lsn: -1n } })).toMatchObject({ kind: 'unreadable' });
  });
});

describe('what an update left out', () => {
  test('is named, as text and as bytes', async () => {
    const each = await readEnvelope({
      op: 'u',
      after: { ...row, body: UNAVAILABLE, picture: Buffer.from(UNAVAILABLE) },
    });
    expect(each).toMatchObject({ change: { unavailable: ['body', 'picture'] } });
  });

  test('of a row whose key was changed is not what is held of the new key', async () => {
    const each = await readEnvelope({ op: 'c', after: { ...row, body: UNAVAILABLE } });
    expect(each).toMatchObject({ change: { unavailable: ['body'], unsure: true } });
  });

  test('is nothing where a snapshot reads whole rows: such a text is a text', async () => {
    const after = { ...row, body: UNAVAILABLE };
    expect(await readEnvelope({ op: 'r', after })).toMatchObject({ change: { unavailable: [] } });
  });

  const codes = [...Buffer.from(UNAVAILABLE)];
  const hstore = JSON.stringify({ [UNAVAILABLE]: UNAVAILABLE });

  test.each<[string, object]>([
    ['of text', { tags: [UNAVAILABLE] }],
    // UUID.nameUUIDFromBytes of the placeholder, as Java makes it.
    ['of UUIDs', { tags: ['b68a35a7-17ad-35b3-af2a-ae46edb4545a'] }],
    ['of bytes', { pictures: [Buffer.from(UNAVAILABLE)] }],
    ['of integers', { numbers: codes }],
    ['of 64-bit integers', { bigs: codes.map(BigInt) }],
    ['of pairs', { body: hstore }],
  ])('is named in a list %s', async (_, fields) => {
    const each = await readEnvelope({ op: 'u', after: { ...row, ...fields } });
    expect(each).toMatchObject({ change: { unavailable: Object.keys(fields) } });
  });

  test.each<[string, object]>([
    ['no element', { tags: [], pictures: [], numbers: [], bigs: [] }],
    ['the placeholder among others', { tags: [UNAVAILABLE, 'b'], pictures: [Buffer.from('b')] }],
    ['as many integers', { numbers: codes.map((code) => code + 1), bigs: codes.map(() => null) }],
  ])('is not a list of %s', async (_, fields) => {
    const each = await readEnvelope({ op: 'u', after: { ...row, ...fields } });
    expect(each).toMatchObject({ change: { unavailable: [], row: fields } });
  });
});

test('a null list of a type that has no placeholder may be a value that was left alone', async () => {
  const after = { ...row, ratios: null, smalls: [1], days: null };
  expect(await readEnvelope({ op: 'u', after })).toMatchObject({
    change: { unavailable: ['ratios', 'days'], unsure: true },
  });
  for (const op of ['c', 'r'])
    expect(await readEnvelope({ op, after })).toMatchObject({ change: { unavailable: [] } });
  const nulled = { ...row, ratios: null, body: UNAVAILABLE };
  expect(await readEnvelope({ op: 'u', after: nulled })).toMatchObject({
    change: { unavailable: ['body', 'ratios'], unsure: true },
  });
});

test('a name that Java gives an array in an array is null, and text that looks like one is itself', async () => {
  const tags = ['[Ljava.lang.String;@417d65c6', 'a', null, '[[Ljava.util.UUID;@b11e39b'];
  const each = await readEnvelope({ after: { ...row, body: '[Ljava.lang.String;@417d65c6', tags } });
  expect(each).toMatchObject({
    change: { row: { body: '[Ljava.lang.String;@417d65c6', tags: [null, 'a', null, null] } },
  });
});

describe('unreadable, each with its reason', () => {
  test.each<[string, Partial<KafkaRecord>, string]>([
    ['neither key nor value', { key: null, value: null }, 'null-value'],
    ['JSON where Avro should be', { value: Buffer.from('{"op":"c"}') }, 'not-avro'],
    ['nothing', { value: Buffer.alloc(0) }, 'not-avro'],
    ['cut short', { value: encoded(1, envelope()).subarray(0, 20) }, 'not-avro'],
    [
      '5 MB of nonsense under a known schema',
      { value: Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.alloc(5_000_000, 0xff)]) },
      'not-avro',
    ],
    ['no key', { key: null }, 'null-key'],
    ['a key that is not JSON', { key: Buffer.from('id=1') }, 'bad-key'],
    ['a key that is a list', { key: Buffer.from('[1]') }, 'bad-key'],
    ['a key that is null', { key: Buffer.from('null') }, 'bad-key'],
    ['a key column that holds an object', { key: Buffer.from('{"id":{"a":1}}') }, 'bad-key'],
    ['a key column that holds a list', { key: Buffer.from('{"id":[1,2]}') }, 'bad-key'],
    ['a schema that is not one of Avro', { value: Buffer.from([0, 0, 0, 0, 3, 1]) }, 'not-avro'],
    ['a schema of nothing', { value: Buffer.from([0, 0, 0, 0, 4, 0]) }, 'schema-mismatch'],
    ['a row that is a text', { value: encoded(5, envelope({ after: '{"id":1}' })) }, 'schema-mismatch'],
    [
      'a time that no record can hold',
      { value: encoded(1, envelope({ source: { ...source, ts_us: 1n << 62n } })) },
      'schema-mismatch',
    ],
    ['an upsert without its row', { value: encoded(1, envelope({ after: null })) }, 'schema-mismatch'],
  ])('%s', async (_, fields, reason) => {
    expect(await read(fields)).toMatchObject({ kind: 'unreadable', reason });
  });

  const underSchema = (id: number): Buffer => Buffer.from([0, 0, 0, 0, id, 1]);

  test('a schema that the registry does not know', async () => {
    expect(await read({ value: underSchema(99) })).toMatchObject({
      kind: 'unreadable',
      reason: 'schema-mismatch',
    });
  });

  test('but a registry that is away is no reason to give a record up', async () => {
    await expect(read({ value: underSchema(AWAY) })).rejects.toMatchObject({ code: 'registry-unavailable' });
  });
});

test('keys keep every digit, and every character that can be named', async () => {
  const idOf = async (key: string) => {
    const each = await read({ key: Buffer.from(key) });
    if (each.kind !== 'change' || each.change.kind !== 'upsert') throw new Error('no upsert');
    return documentIdOf('shop', each.change.table, each.change.key);
  };
  expect(await idOf('{"id":9007199254740993}')).toBe('shop/public.articles/9007199254740993');
  expect(await idOf('{"b":"x,y","a":1}')).toBe('shop/public.articles/1,x%2Cy');
  expect(await idOf('{"id":true}')).toBe('shop/public.articles/true');
  // A lone surrogate is read, and named by nobody: index-documents makes it a dead letter.
  await expect(idOf('{"id":"\\ud800"}')).rejects.toThrow(URIError);
});
