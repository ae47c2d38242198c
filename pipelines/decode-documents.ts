import type { KafkaRecord } from '../connectors/kafka/kafka.ts';
import { checkVector } from '../connectors/models/embedding/check-vector.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { vectorOfBytes } from '../connectors/vector-index/vector-codec.ts';
import { isUnreadable } from '../schemas/errors.ts';
import { endedMarkerOf } from '../schemas/marker-end.ts';
import type { Document } from '../schemas/records.ts';
import type { LoggedDocument } from './fold-documents.ts';

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/**
 * Whether every chunk has a vector that an index can hold, all of one size, or none at all: then it is embedded behind this log,
 * for another model's (decision 16). No pipeline of ours writes others (fault 21).
 */
const holdsVectors = ({ chunks }: Document): boolean => {
  const size = chunks[0]?.vector.byteLength ?? 0;
  return chunks.every(
    ({ vector }) =>
      vector.byteLength === size &&
      size % BYTES === 0 &&
      (size === 0 || checkVector(vectorOfBytes(vector), size / BYTES) === null),
  );
};

/**
 * The documents among records of freshet.documents, and the ends of markers. Somebody else's record, and one whose vectors are none, is neither newer nor
 * older than a document, so it is passed over: by the owner of its partition and by every index alike. Errors:
 * `registry-unavailable`: try again.
 */
export const decodeDocuments = async (
  codec: Pick<RecordCodec, 'decode'> & Partial<Pick<RecordCodec, 'bodyOf'>>,
  records: readonly KafkaRecord[],
): Promise<readonly LoggedDocument[]> => {
  const decoded = await Promise.all(
    records.map(async (record): Promise<LoggedDocument | undefined> => {
      if (record.value === null) {
        const marker = endedMarkerOf(record);
        return marker && { record: marker, offset: record.offset, ended: true };
      }
      try {
        const document = await codec.decode('Document', record.value);
        if (!holdsVectors(document)) return undefined;
        const body = codec.bodyOf?.('Document', record.value);
        return { record: document, offset: record.offset, body };
      } catch (error) {
        if (isUnreadable(error)) return undefined;
        throw error;
      }
    }),
  );
  return decoded.filter((each) => each !== undefined);
};
