/** Reads a stretch of the journal for the executions that used a document or a memory: each is told of as it ends, nothing is collected. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import {
  isElsewhere,
  type PayloadReader,
  wholeOrLost,
  withPayloads,
} from '../../connectors/payloads/payload-reader.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { FreshetError, hasCode } from '../../schemas/errors.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { PAYLOAD_HEADER } from '../runtime/journal-headers.ts';
import { createTurn } from './give-way.ts';
import { createUseSearch, type UsedBy } from './used-in.ts';

export interface FindUsesSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly payloads?: Pick<PayloadReader, 'whole'>;
  /** Of a document or a memory. */
  readonly id: string;
  /** Where to begin and to end, both read; all of the journal where left out. */
  readonly from?: { readonly partition: number; readonly offset: number };
  readonly to?: { readonly partition: number; readonly offset: number };
  readonly tenant?: string;
  /** A promise holds the reading back until it is settled. */
  readonly onUse: (use: UsedBy) => unknown;
  readonly signal?: AbortSignal;
}

export interface UsesRead {
  readonly read: number;
  readonly executions: number;
  /** Payloads that are gone: whether it stood in them is not known. */
  readonly lost: number;
}

const TOPIC = TOPICS.agentEvents.name;
/** Types of events that bring something in, or cite it. */
const BRINGING: ReadonlySet<AgentEvent['type']> = new Set(['tool-call', 'memory-update', 'response']);

/**
 * Errors: `request-invalid` (the two ends are of different partitions), `kafka-unavailable`, `registry-unavailable`.
 * An execution that brought it in before `from` is not among the answers: it is in those of an earlier stretch.
 */
export const findUses = (settings: FindUsesSettings): Promise<UsesRead> =>
  withPayloads(settings, (payloads) => findWith(settings, payloads));

const findWith = async (
  settings: FindUsesSettings,
  payloads: Pick<PayloadReader, 'whole'>,
): Promise<UsesRead> => {
  const { kafka, codec, from, to, signal } = settings;
  if (from && to && from.partition !== to.partition)
    throw new FreshetError(
      'request-invalid',
      `offsets are compared within one partition; ${from.partition}:${from.offset} and ${to.partition}:${to.offset} are of two`,
    );
  const partition = from?.partition ?? to?.partition;
  const search = createUseSearch(settings.id);
  const turn = createTurn();
  let read = 0;
  let executions = 0;
  let lost = 0;
  const whole = async (event: AgentEvent): Promise<AgentEvent> => {
    const { event: found, lost: gone } = await wholeOrLost(payloads, event);
    if (gone) lost += 1;
    return found;
  };
  const tell = async (use: UsedBy): Promise<void> => {
    if (settings.tenant !== undefined && use.tenant !== settings.tenant) return;
    executions += 1;
    await settings.onUse(use);
  };
  await scanTopic(
    kafka,
    {
      topic: TOPIC,
      ...(partition === undefined ? {} : { partitions: [partition] }),
      ...(from ? { from: new Map([[from.partition, from.offset]]) } : {}),
      ...(to ? { to: new Map([[to.partition, to.offset + 1]]) } : {}),
    },
    async (record) => {
      if (signal?.aborted) return false;
      read += 1;
      await turn();
      const { key, value, headers } = record;
      if (value === null) return true;
      // Of a record that refers to a payload, the bytes do not say what it brought.
      const mayConcern =
        headers[PAYLOAD_HEADER] !== undefined || search.concerns(key?.toString('utf8') ?? '', value);
      if (!mayConcern) return true;
      const event: AgentEvent | null = await codec.decode('AgentEvent', value).catch((thrown: unknown) => {
        if (hasCode(thrown, 'registry-unavailable')) throw thrown;
        return null;
      });
      if (!event) return true;
      const searched = isElsewhere(event) && BRINGING.has(event.type) ? await whole(event) : event;
      for (const use of search.offer(record.partition, record.offset, searched)) await tell(use);
      return true;
    },
  );
  for (const use of search.rest()) await tell(use);
  return { read, executions, lost };
};
