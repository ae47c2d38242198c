import { randomUUID } from 'node:crypto';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { FoundPause } from '../index-documents/paused-tables.ts';
import { commandRecord } from './source-commands.ts';

/** Asks the watch of the sources to pause tables, wherever it runs; resolves when that stands in the log. Errors: `append-failed`. */
export const askForPause = async (
  {
    writer,
    codec,
    clock,
  }: {
    readonly writer: RecordWriter;
    readonly codec: Pick<RecordCodec, 'encode'>;
    readonly clock: Clock;
  },
  found: readonly FoundPause[],
): Promise<void> => {
  await writer.append(
    found.map(({ source, table, reason, turn }) =>
      commandRecord(
        codec,
        { source, table, action: 'pause', by: 'freshet', reason, turn },
        randomUUID(),
        clock(),
      ),
    ),
  );
};
