/**
 * Debezium's envelope → Change. Values are Avro in wire format with 64-bit integers exact; keys are schemaless JSON,
 * read losslessly. What differs from one database to the next, a change's position and the name of its table, is
 * asked of its source kind. Source of the field meanings: Debezium's documentation, "Data change events".
 */
import avro from 'avsc';
import { parse as parseLossless } from 'lossless-json';
import type { Row } from '../../schemas/config.ts';
import type { DeadLetterReason } from '../../schemas/dead-letters.ts';
import type { KeyValue } from '../../schemas/document-id.ts';
import { hasCode, toError } from '../../schemas/errors.ts';
import { makeVersion, type Version } from '../../schemas/version.ts';
import type { KafkaRecord } from '../kafka/kafka.ts';
import { schemaIdOf } from '../registry/record-codec.ts';
import type { SchemaRegistry } from '../registry/schema-registry.ts';
import type { ChangeOrigin } from '../sources/source-kind.ts';
import { kindOfConnector } from '../sources/source-kinds.ts';
import type { Change } from './change.ts';
import { withoutNestedLists } from './nested-lists.ts';
import { silentLists } from './silent-lists.ts';
import { type TableMark, tableMarkOf } from './table-mark.ts';
import { isUnavailable } from './unavailable-value.ts';

export type ReadChange =
  | { readonly kind: 'change'; readonly change: Change }
  /** Carries no row: a heartbeat, a logical message, the tombstone of another tool. */
  | { readonly kind: 'dropped' }
  /** From here on in this partition the table's changes are skipped, or taken again (table-mark.ts). */
  | { readonly kind: 'mark'; readonly mark: TableMark }
  | { readonly kind: 'unreadable'; readonly reason: DeadLetterReason; readonly message: string };

const EPOCH_HEADER = 'freshet-epoch';
const WIRE_HEADER_BYTES = 5;

const longAsBigInt = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: (value: number | string) => BigInt(value),
  toJSON: (value: bigint) => value.toString(),
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

/** Decimals that a connector cannot write as text, a 64-bit unsigned integer among them: exact, as bigint or as text. */
class ExactDecimal extends avro.types.LogicalType {
  private readonly scale: number;

  constructor(schema: avro.Schema, options?: ConstructorParameters<typeof avro.types.LogicalType>[1]) {
    super(schema, options);
    this.scale = (schema as { readonly scale?: number }).scale ?? 0;
  }

  protected override _fromValue(bytes: Buffer): bigint | string {
    const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex') || '0'}`));
    if (this.scale === 0) return unscaled;
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(this.scale + 1, '0');
    return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -this.scale)}.${digits.slice(-this.scale)}`;
  }

  protected override _toValue(): never {
    throw new RangeError('changes are read here, never written');
  }
}

const typeFor = (schema: string): avro.Type =>
  avro.Type.forSchema(
    JSON.parse(schema) as avro.Schema,
    {
      logicalTypes: { decimal: ExactDecimal },
      typeHook: (attributes: avro.Schema) => {
        const name =
          typeof attributes === 'object' && attributes !== null && 'type' in attributes
            ? attributes.type
            : attributes;
        return name === 'long' ? longAsBigInt : undefined;
      },
    } as unknown as Parameters<typeof avro.Type.forSchema>[1],
  );

interface Envelope {
  readonly before?: Row | null;
  readonly after?: Row | null;
  readonly op?: string;
  readonly ts_us?: bigint | null;
  readonly ts_ms?: bigint | null;
  readonly source?: ChangeOrigin & { readonly ts_us?: bigint | null; readonly ts_ms?: bigint | null };
}

const micros = (us: bigint | null | undefined, ms: bigint | null | undefined): number =>
  us !== null && us !== undefined ? Number(us) : ms !== null && ms !== undefined ? Number(ms) * 1_000 : 0;

const keyOf = (bytes: Buffer): Readonly<Record<string, KeyValue>> | undefined => {
  const parsed = parseLossless(bytes.toString('utf8'), undefined, (text) => text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  // What is no scalar has no one text, so two such keys could share an id.
  const scalar = Object.values(parsed).every((value) => typeof value !== 'object' || value === null);
  return scalar ? (parsed as Record<string, KeyValue>) : undefined;
};

const isRecord = (value: unknown): value is Readonly<Record<string, never>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

const unreadable = (reason: DeadLetterReason, message: string): ReadChange => ({
  kind: 'unreadable',
  reason,
  message,
});

/** What is written of a time later on has to hold it. */
const isTime = (at: number): boolean => Number.isSafeInteger(at);

/** Reads change records; remembers the schemas it has seen. `read` throws only `registry-unavailable`: try again. */
export const createChangeReader = (
  registry: Pick<SchemaRegistry, 'schemaById'>,
): { read(record: KafkaRecord): Promise<ReadChange> } => {
  const types = new Map<number, { readonly type: avro.Type; readonly silent: readonly string[] }>();

  const envelopeOf = async (
    value: Buffer,
  ): Promise<{ readonly envelope: Envelope; readonly silent: readonly string[] } | ReadChange> => {
    const id = schemaIdOf(value);
    if (id === undefined) return unreadable('not-avro', 'the value is not Avro in wire format');
    let known = types.get(id);
    if (!known) {
      let schema: string;
      try {
        schema = await registry.schemaById(id);
      } catch (error) {
        if (!hasCode(error, 'not-found')) throw error;
        return unreadable('schema-mismatch', `written with schema ${id}, which the registry does not know`);
      }
      try {
        known = { type: typeFor(schema), silent: silentLists(schema) };
      } catch (error) {
        // One of another kind (JSON Schema, Protobuf), or of no use: it is the same however often it is asked for.
        return unreadable('not-avro', `schema ${id} is not one of Avro: ${toError(error).message}`);
      }
      types.set(id, known);
    }
    try {
      const envelope: unknown = known.type.fromBuffer(value.subarray(WIRE_HEADER_BYTES));
      return isRecord(envelope)
        ? { envelope, silent: known.silent }
        : unreadable('schema-mismatch', `schema ${id} is not of an envelope`);
    } catch (error) {
      return unreadable('not-avro', `the value does not fit schema ${id}: ${toError(error).message}`);
    }
  };

  return {
    read: async (record) => {
      const mark = tableMarkOf(record);
      if (mark) return { kind: 'mark', mark };
      if (record.value === null)
        return record.key === null
          ? unreadable('null-value', 'both key and value are null')
          : { kind: 'dropped' };
      const decoded = await envelopeOf(record.value);
      if ('kind' in decoded) return decoded;
      const { envelope, silent } = decoded;
      const { op, source } = envelope;
      if (op === 'm' || !source?.table)
        return op === undefined || op === 'm'
          ? { kind: 'dropped' }
          : unreadable('schema-mismatch', 'no source table in the envelope');
      const kind = kindOfConnector(source.connector);
      if (!kind)
        return unreadable(
          'schema-mismatch',
          `written by an unknown connector, ${source.connector ?? 'unnamed'}`,
        );
      let version: Version;
      try {
        version = makeVersion(
          Number(record.headers[EPOCH_HEADER]?.toString('utf8') ?? 0),
          kind.changePosition(source),
        );
      } catch (error) {
        return unreadable('schema-mismatch', `no readable position or epoch: ${toError(error).message}`);
      }
      const facts = {
        table: kind.tableOf(source),
        version,
        committedAt: micros(source.ts_us, source.ts_ms),
        capturedAt: micros(envelope.ts_us, envelope.ts_ms),
      };
      if (!isTime(facts.committedAt) || !isTime(facts.capturedAt))
        return unreadable('schema-mismatch', 'no time of this world in the envelope');
      if (op === 't') return { kind: 'change', change: { kind: 'truncate', ...facts } };
      if (record.key === null)
        return unreadable(
          'null-key',
          `a change of ${facts.table} without a key: the table needs a primary key`,
        );
      let key: ReturnType<typeof keyOf>;
      try {
        key = keyOf(record.key);
      } catch (error) {
        return unreadable('bad-key', `the key is not JSON: ${toError(error).message}`);
      }
      if (!key) return unreadable('bad-key', 'the key is not a JSON object of scalar columns');
      if (op === 'd') return { kind: 'change', change: { kind: 'delete', key, ...facts } };
      const row = isRecord(envelope.after) && withoutNestedLists(envelope.after);
      if (!row) return unreadable('schema-mismatch', `an ${op ?? '?'} of ${facts.table} without its row`);
      const silenced = op === 'u' ? silent.filter((column) => row[column] === null) : [];
      // A snapshot reads whole rows: a text that looks like the placeholder is one there.
      const mayMiss = kind.leavesOut && op !== 'r';
      const missing = mayMiss ? Object.keys(row).filter((column) => isUnavailable(row[column])) : [];
      const unavailable = [...missing, ...silenced];
      // Only a changed key makes a row that is not sent whole: what is held of the new key is another row's.
      const unsure = silenced.length > 0 || (op === 'c' && missing.length > 0);
      const upsert = { kind: 'upsert', key, row, read: op === 'r', unavailable, ...facts } as const;
      return { kind: 'change', change: unsure ? { ...upsert, unsure: true } : upsert };
    },
  };
};
