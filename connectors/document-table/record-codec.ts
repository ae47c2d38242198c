/** The bytes of a document record in the table: crc32, offset, then the record in Avro (schemas/avro/document.avsc). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import avro from 'avsc';
import { FreshetError } from '../../schemas/errors.ts';
import { type Document, SCHEMA_FILES } from '../../schemas/records.ts';
import type { StoredDocument } from './document-table.ts';

const schema: unknown = JSON.parse(
  readFileSync(new URL(`../../schemas/avro/${SCHEMA_FILES.Document}`, import.meta.url), 'utf8'),
);
const type = avro.Type.forSchema(schema as avro.Schema, { omitRecordMethods: true });

const CHECKSUM_BYTES = 4;
export const STORED_HEADER_BYTES = 12;

/** sha256 of the schema's canonical form: another one means that stored bytes cannot be read. */
export const documentFingerprint: string = createHash('sha256')
  .update(JSON.stringify(type.schema()))
  .digest('hex');

/** Throws Error where the record does not fit the schema. */
export const encodeStored = (stored: StoredDocument): Buffer => {
  const { record, offset, body = type.toBuffer(record) } = stored;
  const bytes = Buffer.allocUnsafe(STORED_HEADER_BYTES + body.length);
  bytes.writeDoubleBE(offset, CHECKSUM_BYTES);
  body.copy(bytes, STORED_HEADER_BYTES);
  bytes.writeUInt32BE(crc32(bytes.subarray(CHECKSUM_BYTES)));
  return bytes;
};

/** Vectors are copies, safe to keep. Errors: `index-corrupt` where the checksum fails. */
export const decodeStored = (bytes: Buffer): StoredDocument => {
  if (bytes.length < STORED_HEADER_BYTES || bytes.readUInt32BE() !== crc32(bytes.subarray(CHECKSUM_BYTES))) {
    throw new FreshetError(
      'index-corrupt',
      'a record of the document table fails its checksum; run `freshet index rebuild`',
    );
  }
  const record = type.fromBuffer(bytes.subarray(STORED_HEADER_BYTES)) as Document;
  return { record, offset: bytes.readDoubleBE(CHECKSUM_BYTES) };
};
