import type { KafkaRecord } from '../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { FreshetError } from '../schemas/errors.ts';
import type { LoggedDocument } from './fold-documents.ts';

/**
 * The documents among records of freshet.documents. Somebody else's record is neither newer nor older than a document, so it
 * is passed over. Errors: `registry-unavailable`: try again.
 */
export const decodeDocuments = async (
  codec: Pick<RecordCodec, 'decode'>,
  records: readonly KafkaRecord[],
): Promise<readonly LoggedDocument[]> => {
  const decoded = await Promise.all(
    records.map(async (record) => {
      try {
        return { record: await codec.decode('Document', record.value), offset: record.offset };
      } catch (error) {
        if (error instanceof FreshetError && error.code === 'record-unreadable') return undefined;
        throw error;
      }
    }),
  );
  return decoded.filter((each) => each !== undefined);
};
