/**
 * Replays every execution that has an event in a range of offsets of one partition: one pass over the partition,
 * however many there are, with a lead-in before the range for those that began earlier. Only where one began before
 * the lead-in, a second pass reads the partition from its start, for all of those together.
 */
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { type PayloadReader, wholeOrLost, withPayloads } from '../../connectors/payloads/payload-reader.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { FreshetError, hasCode } from '../../schemas/errors.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { FindBehaviour } from './find-behaviour.ts';
import { createTurn } from './give-way.ts';
import { createRangeReplay, type RangeReplay, type ReplayedExecution } from './range-replay-state.ts';

export interface OffsetRange {
  readonly topic: string;
  readonly partition: number;
  /** First and last offset, both in the range. */
  readonly from: number;
  readonly to: number;
}

export interface RangeSummary {
  readonly executions: number;
  readonly identical: number;
  readonly different: number;
  readonly unfinished: number;
  readonly cut: number;
  readonly decisions: number;
  /** Records read, those before and after the range included. */
  readonly read: number;
  /** Records of the range that could not be read: what they belong to may differ for it. */
  readonly unreadable: number;
  readonly seconds: number;
  readonly outsideCalls: 0;
}

export interface RangeProgress {
  readonly read: number;
  /** What there is to read at most; a pass ends as soon as all have ended. */
  readonly of: number;
  readonly executions: number;
  readonly open: number;
}

export interface ReplayRangeSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly payloads?: Pick<PayloadReader, 'whole'>;
  readonly findBehaviour: FindBehaviour;
  readonly range: OffsetRange;
  /** Told of each execution once, as it ends; a promise holds the pass back until it is settled. */
  readonly onExecution: (execution: ReplayedExecution) => unknown;
  readonly onProgress?: (progress: RangeProgress) => void;
  readonly signal?: AbortSignal;
  /** Records before the range that are read along; most executions are shorter. */
  readonly leadIn?: number;
  /** Only executions of this tenant are told of. */
  readonly tenant?: string;
}

const TOPIC = TOPICS.agentEvents.name;
const LEAD_IN = 5_000;
const PROGRESS_MS = 500;

/** The ends of a partition, or why a place in it is none. Errors: `request-invalid`, `not-found`, `kafka-unavailable`. */
const checkedRange = async (
  kafka: KafkaClient,
  { topic, partition, from, to }: OffsetRange,
): Promise<{
  readonly earliest: number;
  readonly latest: number;
  readonly from: number;
  readonly to: number;
}> => {
  if (topic !== TOPIC)
    throw new FreshetError('request-invalid', `executions are replayed from ${TOPIC}, not from ${topic}`);
  if (from > to)
    throw new FreshetError('request-invalid', `the range ends at ${to}, before it begins at ${from}`);
  const ends = (await kafka.admin.offsets(TOPIC)).find((each) => each.partition === partition);
  if (!ends || from >= ends.latest || to < ends.earliest)
    throw new FreshetError(
      'not-found',
      `${TOPIC}:${partition} holds ${ends?.earliest ?? 0} to ${(ends?.latest ?? 0) - 1}, nothing of ${from} to ${to}`,
    );
  const { earliest, latest } = ends;
  return { earliest, latest, from: Math.max(earliest, from), to: Math.min(to, latest - 1) };
};

/** Changes nothing, calls nothing but Kafka and the registry. Errors: as above, and `registry-unavailable`. */
export const replayRange = (settings: ReplayRangeSettings): Promise<RangeSummary> =>
  withPayloads(settings, (payloads) => replayWith(settings, payloads));

const replayWith = async (
  settings: ReplayRangeSettings,
  payloads: Pick<PayloadReader, 'whole'>,
): Promise<RangeSummary> => {
  const { kafka, codec, findBehaviour, signal } = settings;
  const { partition } = settings.range;
  const began = performance.now();
  const { earliest, latest, from, to } = await checkedRange(kafka, settings.range);
  const counts = { executions: 0, identical: 0, different: 0, unfinished: 0, cut: 0, decisions: 0 };
  let read = 0;
  let unreadable = 0;
  let told = began;

  const tell = async (execution: ReplayedExecution): Promise<void> => {
    if (settings.tenant !== undefined && execution.tenant !== settings.tenant) return;
    counts.executions += 1;
    counts[execution.state] += 1;
    counts.decisions += execution.decisions;
    await settings.onExecution(execution);
  };

  const decode = async (record: KafkaRecord): Promise<AgentEvent | null> => {
    try {
      return await codec.decode('AgentEvent', record.value);
    } catch (thrown) {
      if (hasCode(thrown, 'registry-unavailable')) throw thrown;
      if (record.offset >= from && record.offset <= to) unreadable += 1;
      return null;
    }
  };

  const turn = createTurn();
  const pass = async (replay: RangeReplay, start: number): Promise<void> => {
    const stretch = { from: new Map([[partition, start]]), to: new Map([[partition, latest]]) };
    await scanTopic(kafka, { topic: TOPIC, partitions: [partition], ...stretch }, async (record) => {
      signal?.throwIfAborted();
      read += 1;
      const decoded = await decode(record);
      if (decoded) {
        // Without its payload an execution can be followed to its end, and not replayed.
        const { event, lost } = replay.needsWhole(decoded)
          ? await wholeOrLost(payloads, decoded)
          : { event: decoded, lost: null };
        // What is held of it: its record, and what was read beside it.
        const beside = event === decoded ? 0 : (event.input?.length ?? 0) + (event.output?.length ?? 0);
        const bytes = (record.value?.length ?? 0) + beside;
        for (const ended of replay.offer(record.offset, event, bytes, lost !== null)) await tell(ended);
      }
      if (performance.now() - told > PROGRESS_MS) {
        told = performance.now();
        settings.onProgress?.({
          read,
          of: latest - start,
          executions: counts.executions,
          open: replay.open(),
        });
      }
      await turn();
      return !replay.isDone();
    });
    for (const execution of replay.rest()) await tell(execution);
  };

  const start = Math.max(earliest, from - (settings.leadIn ?? LEAD_IN));
  const first = createRangeReplay({ from, to, findBehaviour });
  await pass(first, start);
  let lost = first.beheaded();
  if (lost.size > 0 && start > earliest) {
    const older = createRangeReplay({ from, to, findBehaviour, only: lost });
    await pass(older, earliest);
    lost = older.beheaded();
  }
  for (const executionId of lost) await tell(cutOff(executionId, from));
  return {
    ...counts,
    read,
    unreadable,
    seconds: Number(((performance.now() - began) / 1_000).toFixed(3)),
    outsideCalls: 0,
  };
};

/** Of an execution whose beginning is no longer kept: its id is all that can be said. */
const cutOff = (executionId: string, offset: number): ReplayedExecution => ({
  executionId,
  taskId: '',
  agent: '',
  tenant: null,
  behaviour: '',
  offset,
  state: 'cut',
  decisions: 0,
  different: 0,
  firstDifference: null,
});
