/** Synthetic documents onto freshet.documents, as the pipeline would have left them there. */
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { PARTITIONS, TOPICS } from '../../schemas/topics.ts';
import { type SyntheticSettings, syntheticDocuments } from './synthetic-documents.ts';

/** Resolves once they are acknowledged. */
export const produceDocuments = async (
  { writer, codec }: { readonly writer: RecordWriter; readonly codec: RecordCodec },
  settings: SyntheticSettings,
  numbers: readonly { readonly at: number; readonly revision: number }[],
  onVector: (at: number, vector: Float32Array) => void = () => undefined,
): Promise<void> => {
  const made = await syntheticDocuments(settings, numbers);
  for (const [place, { vector }] of made.entries()) onVector(numbers[place]?.at ?? 0, vector);
  await writer.append(
    made.map(({ record }, place) => ({
      topic: TOPICS.documents.name,
      partition: (numbers[place]?.at ?? 0) % PARTITIONS,
      key: record.documentId,
      value: codec.encode('Document', record),
    })),
  );
};
