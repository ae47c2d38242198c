/** What operators asked of a source, on freshet.control: read in order, each carried out once. */
import type { KafkaClient, RecordToAppend } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { isUnreadable } from '../../schemas/errors.ts';
import type { Control } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';

export const SOURCE_ACTIONS = ['pause', 'resume', 'snapshot'] as const;
export type SourceAction = (typeof SOURCE_ACTIONS)[number];

/** Of a whole source, or of one table of it. */
export interface SourceCommand {
  readonly source: string;
  readonly table: string | undefined;
  readonly action: SourceAction;
  readonly by: string;
  readonly reason: string | null;
  /** The table's turn that it was asked for in; a person means the one there is. */
  readonly turn?: number;
}

const TOPIC = TOPICS.control.name;

export const commandRecord = (
  codec: Pick<RecordCodec, 'encode'>,
  { source, table, action, by, reason, turn }: SourceCommand,
  id: string,
  at: number,
): RecordToAppend => {
  const name = table === undefined ? source : `${source}/${table}`;
  const values = {
    ...(table === undefined ? {} : { table }),
    ...(turn === undefined ? {} : { turn: String(turn) }),
  };
  const control: Control = { kind: 'source', name, action, id, values, by, reason, at };
  return {
    topic: TOPIC,
    key: `source:${name}`,
    value: codec.encode('Control', control),
    headers: cloudEventHeaders({ id, type: 'freshet.control', source: 'freshet/sources', at }),
  };
};

/** The command to a source that a record of freshet.control is; undefined where it is something else. */
export const commandOf = ({ kind, name, action, values, by, reason }: Control): SourceCommand | undefined => {
  const known = SOURCE_ACTIONS.find((each) => each === action);
  const source = name.split('/')[0];
  if (kind !== 'source' || !known || !source) return undefined;
  const turn = values.turn === undefined ? {} : { turn: Number(values.turn) };
  return { source, table: values.table, action: known, by, reason, ...turn };
};

export interface ReadCommands {
  readonly commands: readonly { readonly offset: number; readonly command: SourceCommand }[];
  /** Where to read on. */
  readonly next: number;
}

/** The commands from an offset on. A topic that ends before it was made anew and is read from its start. Errors: `kafka-unavailable`. */
export const readCommands = async (
  kafka: KafkaClient,
  codec: Pick<RecordCodec, 'decode'>,
  from: number,
): Promise<ReadCommands> => {
  const [ends] = await kafka.admin.offsets(TOPIC);
  const end = ends?.latest ?? 0;
  if (end === from) return { commands: [], next: from };
  const commands: { readonly offset: number; readonly command: SourceCommand }[] = [];
  const range = { topic: TOPIC, from: new Map([[0, end < from ? 0 : from]]), to: new Map([[0, end]]) };
  await scanTopic(kafka, range, async ({ offset, value }) => {
    try {
      const command = commandOf(await codec.decode('Control', value));
      if (command) commands.push({ offset, command });
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  });
  return { commands, next: end };
};

/** Tables of a source that were asked to be paused since its watch last came to a command. Errors: `kafka-unavailable`. */
export const pausesAsked = async (
  {
    kafka,
    codec,
    source,
  }: {
    readonly kafka: KafkaClient;
    readonly codec: Pick<RecordCodec, 'decode'>;
    readonly source: string;
  },
  handled: number,
): Promise<ReadonlySet<string>> => {
  const { commands } = await readCommands(kafka, codec, handled);
  return new Set(
    commands.flatMap(({ command: { table, ...of } }) =>
      of.source === source && of.action === 'pause' && table !== undefined ? [table] : [],
    ),
  );
};
