/** The executions that ended in a stretch of the journal. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import {
  type PayloadField,
  type PayloadReader,
  withPayloads,
} from '../../connectors/payloads/payload-reader.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { hasCode } from '../../schemas/errors.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { DEFAULT_WAIT_LIMITS, mostBehind } from '../runtime/wait-state.ts';
import { type EndedFound, type EndedSaid, foldEnded, saidBy, withSnapshot } from './ended-state.ts';
import type { EndedExecution } from './remembered-turn.ts';

export interface EndedSource {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly payloads?: Pick<PayloadReader, 'whole'>;
  /** Whose an execution is that names none. */
  readonly localTenant: string;
}

export interface EndedRange {
  readonly partition: number;
  /** First offset, and one past the last; to the end where left out. */
  readonly from: number;
  readonly to?: number;
  /** Events of executions that are asked for; what others left is passed over. */
  readonly wants: (event: Pick<AgentEvent, 'agent' | 'sessionId'>) => boolean;
}

export interface ReadEnded {
  readonly records: number;
  /** Executions that ended in the stretch, and whose beginning was not found before it: they are not told of. */
  readonly missed: number;
}

/**
 * Calls `onEnded` one at a time, in the order of the journal; last for those that began before `from`, for which it is read further back.
 * A record that cannot be read, or whose payload is gone, is passed over. Errors: `kafka-unavailable`, and what `onEnded` throws.
 */
export const readEnded = (
  source: EndedSource,
  range: EndedRange,
  onEnded: (ended: EndedExecution) => Promise<void> | void,
): Promise<ReadEnded> => withPayloads(source, ({ whole }) => readWith(source, range, onEnded, whole));

/** What a turn is made of; what a tool returned is none of it. A snapshot is read where its execution ended. */
const TOLD: Partial<Readonly<Record<AgentEvent['type'], readonly PayloadField[]>>> = {
  'user-input': ['input'],
  'tool-call': ['input'],
  response: ['output'],
};

/**
 * Records before the stretch, tried one after the other: what was under way at its beginning is near; of what waited there a snapshot
 * stands within the last.
 */
const LOOK_BACK = [1_000, 10_000, 2 * mostBehind(DEFAULT_WAIT_LIMITS)] as const;

/** Undefined where it can never be read. */
const unlessGone = async <Of>(read: () => Promise<Of>): Promise<Of | undefined> => {
  try {
    return await read();
  } catch (thrown) {
    if (hasCode(thrown, 'record-unreadable') || hasCode(thrown, 'payload-lost')) return undefined;
    throw thrown;
  }
};

const readWith = async (
  { kafka, codec, localTenant }: EndedSource,
  { partition, from, to, wants }: EndedRange,
  onEnded: (ended: EndedExecution) => Promise<void> | void,
  whole: PayloadReader['whole'],
): Promise<ReadEnded> => {
  const topic = TOPICS.agentEvents.name;
  let records = 0;
  const read = async (
    stretch: { readonly from: number; readonly to?: number | undefined },
    wanted: (event: AgentEvent) => boolean,
    onSaid: (said: EndedSaid) => Promise<void> | void,
  ): Promise<void> => {
    const end = stretch.to === undefined ? {} : { to: new Map([[partition, stretch.to]]) };
    await scanTopic(
      kafka,
      { topic, partitions: [partition], from: new Map([[partition, stretch.from]]), ...end },
      async ({ value, offset }) => {
        records += 1;
        const event = await unlessGone(async () => {
          const decoded = await codec.decode('AgentEvent', value);
          return wanted(decoded) ? await whole(decoded, TOLD[decoded.type] ?? []) : undefined;
        });
        if (event) await onSaid(saidBy(event, { topic, partition, offset }));
      },
    );
  };
  const tell = async (found: EndedFound | undefined): Promise<void> => {
    // One that ended before, as is seen where a zombie's end made it looked back for, is not asked for.
    if (!found || found.ended.place.offset < from) return;
    const { ended, snapshot } = found;
    const all = snapshot
      ? await unlessGone(async () => withSnapshot(ended, await whole(snapshot, ['output'])))
      : ended;
    if (all) await onEnded(all);
  };

  let fold = foldEnded(localTenant, from);
  await read({ from, to }, wants, (said) => tell(fold.take(said)));
  let begin = from;
  for (const back of LOOK_BACK) {
    const missed = fold.missed();
    if (missed.size === 0 || begin === 0) break;
    const earlier = { from: Math.max(0, from - back), to: begin };
    const before: EndedSaid[] = [];
    await read(
      earlier,
      ({ executionId }) => missed.has(executionId),
      (said) => {
        before.push(said);
      },
    );
    begin = earlier.from;
    fold = foldEnded(localTenant, begin);
    for (const said of before) await tell(fold.take(said));
    for (const after of missed.values()) for (const said of after) await tell(fold.take(said));
  }
  return { records, missed: fold.missed().size };
};
