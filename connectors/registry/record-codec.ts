/**
 * Records ↔ bytes: Avro in Confluent's wire format (0, schema id, Avro binary). A value that begins with `{` is read
 * as JSON and held to the same schema, so that a task can be produced by hand (INTERFACES, Kafka).
 */
import { readFileSync } from 'node:fs';
import avro from 'avsc';
import { FreshetError, hasCode, toError } from '../../schemas/errors.ts';
import { type RecordName, type Records, SCHEMA_FILES } from '../../schemas/records.ts';
import { TOPICS, type TopicDefinition } from '../../schemas/topics.ts';
import { wellFormed } from '../../schemas/well-formed.ts';
import type { SchemaRegistry } from './schema-registry.ts';

export interface RecordCodec {
  /** Throws `record-unreadable` when the record does not fit its schema: a programming error. */
  encode<Name extends RecordName>(name: Name, record: Records[Name]): Buffer;
  /** Errors: `record-unreadable` (for good), `registry-unavailable` (try again). */
  decode<Name extends RecordName>(name: Name, value: Buffer | null): Promise<Records[Name]>;
  /** The Avro of a value that was written with this release's own schema; undefined of any other. */
  bodyOf(name: RecordName, value: Buffer): Buffer | undefined;
}

type Resolver = ReturnType<avro.Type['createResolver']>;

const MAGIC = 0;
const HEADER_BYTES = 5;
const SCRATCH_BYTES = 64 * 1024;
const BRACE = '{'.charCodeAt(0);

/** The id of the schema a value was written with; undefined when it is not in wire format. */
export const schemaIdOf = (value: Buffer): number | undefined =>
  value.length > HEADER_BYTES && value[0] === MAGIC ? value.readUInt32BE(1) : undefined;

export const schemaText = (name: RecordName): string =>
  readFileSync(new URL(`../../schemas/avro/${SCHEMA_FILES[name]}`, import.meta.url), 'utf8');

const unreadable = (name: RecordName, why: string, cause?: unknown): FreshetError =>
  new FreshetError(
    'record-unreadable',
    `not a readable ${name}: ${why}`,
    cause === undefined ? undefined : { cause },
  );

/** Fills the defaults of a record's fields, so that JSON written by hand may leave them out. */
const withDefaults = (type: avro.Type, value: unknown): unknown => {
  if (!(type instanceof avro.types.RecordType) || typeof value !== 'object' || value === null) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const field of type.fields) {
    const present = Object.hasOwn(filled, field.name);
    const fallback = field.defaultValue();
    if (!present && fallback !== undefined) filled[field.name] = fallback;
    else if (present) {
      const inner =
        field.type instanceof avro.types.UnwrappedUnionType
          ? field.type.types.find((each) => each instanceof avro.types.RecordType)
          : field.type;
      if (inner) filled[field.name] = withDefaults(inner, filled[field.name]);
    }
  }
  return filled;
};

/** An escape of JSON can name half of a surrogate pair; Avro, which is what is made of it, cannot hold one. */
const asAvroHolds = (_: string, value: unknown): unknown =>
  typeof value === 'string' ? wellFormed(value) : value;

const fromJson = <Name extends RecordName>(name: Name, type: avro.Type, value: Buffer): Records[Name] => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value.toString('utf8'), asAvroHolds);
  } catch (error) {
    throw unreadable(name, `it begins as JSON but is none: ${toError(error).message}`, error);
  }
  const filled = withDefaults(type, parsed);
  const known =
    type instanceof avro.types.RecordType
      ? new Set(type.fields.map((field) => field.name))
      : new Set<string>();
  const unknown = Object.keys(filled as object).filter((key) => !known.has(key));
  if (unknown.length > 0)
    throw unreadable(name, `unknown field ${unknown[0]}; known are ${[...known].join(', ')}`);
  const wrong: string[] = [];
  if (!type.isValid(filled, { errorHook: (path) => wrong.push(path.join('.')) }))
    throw unreadable(name, `field ${wrong[0] ?? '?'} is missing or of the wrong type`);
  return filled as Records[Name];
};

/** Registers every schema of the list of topics, then encodes and decodes with what the registry knows. */
export const openRecordCodec = async (registry: SchemaRegistry): Promise<RecordCodec> => {
  const types = new Map<RecordName, avro.Type>();
  const ids = new Map<RecordName, number>();
  const topics: readonly TopicDefinition[] = Object.values(TOPICS);
  for (const { name: topic, value: name } of topics) {
    if (name === null) continue;
    const text = schemaText(name);
    types.set(name, avro.Type.forSchema(JSON.parse(text) as avro.Schema));
    ids.set(name, await registry.register(`${topic}-value`, text));
  }
  const resolvers = new Map<string, Resolver>();

  const typeOf = (name: RecordName): avro.Type => {
    const type = types.get(name);
    if (!type) throw new FreshetError('internal', `${name} is the value of no topic`);
    return type;
  };

  /** Records are written here and copied once: the library's own buffers are zeroed first, and would be copied twice. */
  let scratch = Buffer.allocUnsafe(SCRATCH_BYTES);
  /** Where it ends in the scratch, behind room for the header. */
  const write = (type: avro.Type, record: unknown): number => {
    for (;;) {
      const end = type.encode(record, scratch, HEADER_BYTES);
      if (end >= 0) return end;
      // It says how many bytes were missing.
      scratch = Buffer.allocUnsafe(scratch.length - end);
    }
  };

  const bodyOf = (name: RecordName, value: Buffer): Buffer | undefined =>
    schemaIdOf(value) === ids.get(name) ? value.subarray(HEADER_BYTES) : undefined;

  return {
    encode: (name, record) => {
      const type = typeOf(name);
      try {
        const end = write(type, record);
        const value = Buffer.from(scratch.subarray(0, end));
        value[0] = MAGIC;
        value.writeUInt32BE(ids.get(name) ?? 0, 1);
        return value;
      } catch {
        // The library's message holds the value, which may be anybody's secret: name the field alone.
        const wrong: string[] = [];
        type.isValid(record, { errorHook: (path) => wrong.push(path.join('.')) });
        throw unreadable(name, `field ${wrong[0] ?? '?'} does not fit the schema`);
      }
    },
    bodyOf,
    decode: async (name, value) => {
      const type = typeOf(name);
      if (value === null) throw unreadable(name, 'the value is null');
      if (value[0] === BRACE) return fromJson(name, type, value);
      const id = schemaIdOf(value);
      if (id === undefined) throw unreadable(name, 'neither Avro in wire format nor a JSON object');
      try {
        const body = bodyOf(name, value);
        if (body) return type.fromBuffer(body) as Records[typeof name];
      } catch (error) {
        throw unreadable(name, toError(error).message, error);
      }
      const text = await registry.schemaById(id).catch((error: unknown) => {
        throw hasCode(error, 'not-found')
          ? unreadable(name, `written with schema ${id}, which the registry does not know`, error)
          : error;
      });
      const key = `${name}:${id}`;
      try {
        const resolver =
          resolvers.get(key) ?? type.createResolver(avro.Type.forSchema(JSON.parse(text) as avro.Schema));
        resolvers.set(key, resolver);
        return type.fromBuffer(value.subarray(HEADER_BYTES), resolver) as Records[typeof name];
      } catch (error) {
        throw unreadable(
          name,
          `written with schema ${id}, which does not fit: ${toError(error).message}`,
          error,
        );
      }
    },
  };
};
