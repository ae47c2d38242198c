/**
 * Bugs to plant in the workers or the gateway of a chaos run, to show that it finds them: each wraps one thing that they are given, or puts
 * a wrong module in the place of a right one. Nothing in the product knows of them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppendedAt, KafkaClient, RecordToAppend } from '../../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../../connectors/registry/record-codec.ts';
import type { ToolDefinition } from '../../../schemas/agent-definition.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';

export interface Plant {
  readonly says: string;
  /** In whose processes it grows. */
  readonly role: 'worker' | 'gateway';
  readonly writer?: (writer: RecordWriter, kafka: KafkaClient) => RecordWriter;
  readonly codec?: (codec: RecordCodec) => RecordCodec;
  readonly tools?: (tools: readonly ToolDefinition[]) => readonly ToolDefinition[];
  /** A file beside this one that is loaded for a module of the product, named by the end of its path. */
  readonly replaces?: { readonly module: string; readonly by: string };
}

const SENT_LATE_MS = 400;
/** A gateway is killed less often, and has less under way. */
const TASKS_SENT_LATE_MS = 2_000;
const CLAIM = 'freshet.agent-event.claim';

/**
 * Says that journal records stand in the log, at the places they will most likely get, and sends them a moment later. The first
 * of a claim is sent as it should be: the places that follow are counted from there.
 */
const acknowledgingEarly = (writer: RecordWriter): RecordWriter => {
  const ends = new Map<number, number>();
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = <Of>(send: () => Promise<Of>): Promise<Of> => {
    const sent = last.then(send);
    last = sent.catch(() => undefined);
    return sent;
  };
  const learn = (at: readonly AppendedAt[]): void => {
    for (const { partition, offset } of at) ends.set(partition, offset + 1);
  };
  const isEarly = (records: readonly RecordToAppend[]): boolean =>
    records.every(
      ({ topic, partition, headers }) =>
        topic === TOPICS.agentEvents.name &&
        partition !== undefined &&
        ends.has(partition) &&
        headers?.ce_type !== CLAIM,
    );
  return {
    ...writer,
    append: async (records) => {
      if (!isEarly(records)) {
        const places = await inOrder(() => writer.append(records));
        if (records.every(({ topic }) => topic === TOPICS.agentEvents.name)) learn(places);
        return places;
      }
      const guessed = records.map(({ partition = 0 }) => {
        const offset = ends.get(partition) ?? 0;
        ends.set(partition, offset + 1);
        return { partition, offset };
      });
      void inOrder(async () => {
        await sleep(SENT_LATE_MS);
        await writer.append(records);
      }).catch(() => undefined);
      return guessed;
    },
  };
};

/** Says that what was handed over stands in the log, and sends it some time later. */
const acceptingEarly = (writer: RecordWriter): RecordWriter => ({
  ...writer,
  append: async (records) => {
    setTimeout(() => void writer.append(records).catch(() => undefined), TASKS_SENT_LATE_MS);
    return records.map(({ partition = 0 }) => ({ partition, offset: 0 }));
  },
});

const suffixed = (key: string): string => `${key}:${process.pid}`;

/** Journals every key under the name that the tool is given. */
const keysOfThisProcess = (codec: RecordCodec): RecordCodec => ({
  ...codec,
  encode: (name, record) => {
    const event = record as Partial<AgentEvent>;
    if (name !== 'AgentEvent' || !event.idempotencyKey) return codec.encode(name, record);
    return codec.encode(name, { ...record, idempotencyKey: suffixed(event.idempotencyKey) });
  },
});

export const PLANTS: Readonly<Record<string, Plant>> = {
  'acknowledge-early': {
    role: 'worker',
    says: 'the writer acknowledges journal records before it sends them',
    writer: acknowledgingEarly,
  },
  'stale-claims-count': {
    role: 'worker',
    says: 'the fold counts what a worker appends after its claim was lost: what others wrote between is not read',
    replaces: { module: '/agents/runtime/journal-fold.ts', by: 'stale-claims-count.ts' },
  },
  'new-key-on-retry': {
    role: 'worker',
    says: 'an effect that another worker does again goes under a key of its own',
    codec: keysOfThisProcess,
    tools: (tools) =>
      tools.map((tool) => ({
        ...tool,
        execute: (input, context) =>
          tool.execute(input, { ...context, idempotencyKey: suffixed(context.idempotencyKey) }),
      })),
  },
  'spend-anew': {
    role: 'worker',
    says: 'the money of the day begins at nothing when Redis has lost it',
    replaces: { module: '/agents/safety/rebuild-budgets.ts', by: 'spend-anew.ts' },
  },
  'forget-sessions': {
    role: 'worker',
    says: 'a session that Redis has lost is taken for one in which nothing was said',
    replaces: { module: '/agents/memory/rebuild-sessions.ts', by: 'forget-sessions.ts' },
  },
  'accept-early': {
    role: 'gateway',
    says: 'the gateway accepts tasks before Kafka has them',
    writer: acceptingEarly,
  },
  'lost-calls-are-free': {
    role: 'gateway',
    says: 'the gateway leaves out what calls may have cost whose worker died',
    replaces: { module: '/schemas/execution-costs.ts', by: 'lost-calls-are-free.ts' },
  },
};
