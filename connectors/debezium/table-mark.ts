/**
 * Marks of ours in a change topic: a table is paused, or taken again, from here on. They stand in every partition between the
 * changes, so that every owner acts on them at the same place of the stream, now or when it is read again.
 */
import { changeTopic } from '../../schemas/topics.ts';
import type { KafkaRecord, RecordToAppend } from '../kafka/kafka.ts';

export interface TableMark {
  readonly table: string;
  readonly paused: boolean;
  /** Of the table's turns, which one this is: the state of the source says the same number. */
  readonly turn: number;
}

const MARK_HEADER = 'freshet-mark';
const TABLE_HEADER = 'freshet-table';
const TURN_HEADER = 'freshet-turn';

/** One record for each partition of the source's change topic. */
export const tableMarks = (
  source: string,
  partitions: number,
  { table, paused, turn }: TableMark,
): readonly RecordToAppend[] =>
  Array.from({ length: partitions }, (_, partition) => ({
    topic: changeTopic(source).name,
    partition,
    key: null,
    value: null,
    headers: {
      [MARK_HEADER]: paused ? 'pause' : 'resume',
      [TABLE_HEADER]: table,
      [TURN_HEADER]: String(turn),
    },
  }));

export const tableMarkOf = ({ headers }: Pick<KafkaRecord, 'headers'>): TableMark | undefined => {
  const mark = headers[MARK_HEADER]?.toString('utf8');
  const table = headers[TABLE_HEADER]?.toString('utf8');
  if (!table || (mark !== 'pause' && mark !== 'resume')) return undefined;
  const turn = Number(headers[TURN_HEADER]?.toString('utf8') ?? 0);
  return { table, paused: mark === 'pause', turn: Number.isSafeInteger(turn) ? turn : 0 };
};
