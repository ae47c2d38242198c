/** freshet.source-states: what the watch of each source last said, read whole. One partition, newest of a key. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { isUnreadable } from '../../schemas/errors.ts';
import type { SourceState } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { NOTHING_DOUBTED, type TableTurn, tableKey } from '../index-documents/paused-tables.ts';

const TOPIC = TOPICS.sourceStates.name;

/** By source. Errors: `kafka-unavailable`, `registry-unavailable`. */
export const readSourceStates = async (
  kafka: KafkaClient,
  codec: Pick<RecordCodec, 'decode'>,
): Promise<ReadonlyMap<string, SourceState>> => {
  const states = new Map<string, SourceState>();
  await scanTopic(kafka, { topic: TOPIC }, async ({ value }) => {
    try {
      const state = await codec.decode('SourceState', value);
      states.set(state.source, state);
    } catch (error) {
      // Somebody else's record says nothing of a source.
      if (!isUnreadable(error)) throw error;
    }
  });
  return states;
};

/**
 * Which tables are paused, and their turns, by `source/table`. One with a signal is being read again. One is live only once every
 * partition has done what stands behind the mark of its turn: a mark of an earlier turn that is met later is of a watch that was stopped.
 */
export const turnsIn = (states: ReadonlyMap<string, SourceState>): ReadonlyMap<string, TableTurn> =>
  new Map(
    [...states.values()].flatMap(({ source, tables }) =>
      tables.map(({ table, state, turn, signal }) => [
        tableKey(source, table),
        {
          ...{ paused: state === 'paused', turn, marked: state === 'live' },
          doubtedBefore: signal === null ? NOTHING_DOUBTED : Number.POSITIVE_INFINITY,
        },
      ]),
    ),
  );

/** Errors: `append-failed`. */
export const writeSourceState = async (
  { writer, codec }: { readonly writer: RecordWriter; readonly codec: Pick<RecordCodec, 'encode'> },
  state: SourceState,
): Promise<void> => {
  await writer.append([
    {
      topic: TOPIC,
      key: state.source,
      value: codec.encode('SourceState', state),
      headers: cloudEventHeaders({
        id: `${state.source}@${state.updatedAt}`,
        type: 'freshet.source-state',
        source: 'freshet/watch-sources',
        at: state.updatedAt,
      }),
    },
  ]);
};
