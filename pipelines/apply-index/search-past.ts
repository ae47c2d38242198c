/**
 * A search of the documents as they stood at a time. The log is read twice, first to learn what stood and how near it is,
 * then for the texts of what is answered. Exact within the time for which compaction leaves every record alone.
 */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { EmbeddingCache } from '../../connectors/models/embedding/embedding-cache.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import { spaceOfSearch } from '../../schemas/memory-source.ts';
import type { Document } from '../../schemas/records.ts';
import type { SearchHit, SearchRequest } from '../../schemas/search.ts';
import { decodeDocuments } from '../decode-documents.ts';
import { embedQuery } from './embed-query.ts';
import { capHits } from './fuse-hits.ts';
import { tagOf } from './index-rows.ts';
import { createPastState, type PastHit } from './past-state.ts';

export interface PastSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly embedding: Pick<EmbeddingCache, 'forTenant'>;
  readonly model: string;
  /** Of the model's documents. */
  readonly topic: string;
  /** Milliseconds since the Unix epoch: before it the topic was not filled yet. */
  readonly reachesBackTo: number;
  readonly clock: Clock;
}

const MAX_PER_DOCUMENT = 3;
/** Between two turns of the event loop: a millisecond or two. */
const RECORDS_AT_ONCE = 20;

/** Errors: `beyond-horizon` for a time whose records compaction may have removed by now, `request-invalid` for one to come. */
const checkTime = async (
  { kafka, clock, topic, reachesBackTo }: PastSettings,
  asOf: number,
): Promise<void> => {
  const now = clock() / 1_000;
  if (!Number.isFinite(asOf) || asOf > now)
    throw new FreshetError('request-invalid', 'asOf must be a time that has passed');
  if (asOf < reachesBackTo)
    throw new FreshetError(
      'beyond-horizon',
      `the embedding model of before was given up at ${new Date(reachesBackTo).toISOString()}: that is the earliest time`,
    );
  const lag = Number((await kafka.admin.topicSettings(topic))['min.compaction.lag.ms'] ?? 0);
  if (asOf < now - lag)
    throw new FreshetError(
      'beyond-horizon',
      `the log keeps every version for ${lag / 3_600_000} hours: the earliest time is ${new Date(now - lag).toISOString()}; raise min.compaction.lag.ms of ${topic} to keep more`,
    );
};

/**
 * `asOf`: milliseconds since the Unix epoch; what Kafka had appended by then counts. Errors: those above, `model-failed`,
 * `kafka-unavailable`, `request-too-large` where the log holds more documents than it looks through, `unavailable` once `signal` says that nobody waits for it any more.
 */
export const searchPast = async (
  settings: PastSettings,
  request: SearchRequest,
  asOf: number,
  signal?: AbortSignal,
): Promise<readonly SearchHit[]> => {
  await checkTime(settings, asOf);
  const { kafka, codec, topic } = settings;
  const vector = await embedQuery(settings.embedding.forTenant(request.tenant), request.query, signal);
  const to = await kafka.admin.offsetsAt(topic, Math.floor(asOf) + 1);
  const tags = Object.entries(request.filter ?? {}).map(([name, value]) => tagOf(name, value));
  const limits = {
    topK: request.topK,
    maxPerDocument: request.maxPerDocument ?? MAX_PER_DOCUMENT,
    maxPerSource: request.maxPerSource,
  };
  const most = { ofDocument: limits.maxPerDocument, ofSource: limits.topK };
  const past = createPastState({ vector, space: spaceOfSearch(request), tags, model: settings.model, most });
  let read = 0;
  await scanTopic(kafka, { topic, to }, async (record) => {
    if (signal?.aborted) return false;
    for (const { record: document, offset } of await decodeDocuments(codec, [record]))
      past.take(document, record.partition, offset);
    read += 1;
    // What was fetched is there: nothing else lets the event loop turn.
    if (read % RECORDS_AT_ONCE === 0) await turn();
    return true;
  });
  if (signal?.aborted) throw new FreshetError('unavailable', 'whoever asked has gone');
  const hits = capHits(past.hits(), limits, (hit) => hit);
  return textsOf(settings, hits, to, asOf, signal);
};

/** What gates saw in it, and that a refusal stood behind it already, is said of the past as it is of the present. */
export const pastHitOf = (
  record: Document,
  { chunk, score }: Pick<PastHit, 'chunk' | 'score'>,
  asOf: number,
): SearchHit => {
  const { documentId, title, text, metadata, source, table, model, stale, flags } = record;
  const { start, end } = record.chunks[chunk] ?? {};
  return {
    ...{ documentId, chunk, title, score, model },
    text: text.slice(start, end),
    metadata: { ...metadata, source, table },
    version: stale?.version ?? record.version,
    ageMs: Math.max(0, Math.round(asOf - (stale?.committedAt ?? record.timing.committedAt) / 1_000)),
    ...(stale ? { stale: { since: stale.since, reason: record.reason ?? '' } } : {}),
    ...(flags.length > 0 ? { flags } : {}),
  };
};

/** Reads the records of the hits again, for their texts. */
const textsOf = async (
  { kafka, codec, topic }: PastSettings,
  hits: readonly PastHit[],
  to: ReadonlyMap<number, number>,
  asOf: number,
  signal: AbortSignal | undefined,
): Promise<readonly SearchHit[]> => {
  const place = ({ partition, offset }: { readonly partition: number; readonly offset: number }): string =>
    `${partition}:${offset}`;
  const wanted = new Map<string, PastHit[]>();
  const from = new Map<number, number>();
  for (const hit of hits) {
    wanted.set(place(hit), [...(wanted.get(place(hit)) ?? []), hit]);
    from.set(hit.partition, Math.min(from.get(hit.partition) ?? hit.offset, hit.offset));
  }
  if (wanted.size === 0) return [];
  const found = new Map<PastHit, SearchHit>();
  let read = 0;
  await scanTopic(kafka, { topic, partitions: [...from.keys()], from, to }, async (record) => {
    read += 1;
    if (read % RECORDS_AT_ONCE === 0) await turn();
    const asked = wanted.get(place(record));
    if (!asked) return !signal?.aborted;
    const document = await codec.decode('Document', record.value);
    for (const hit of asked) found.set(hit, pastHitOf(document, hit, asOf));
    wanted.delete(place(record));
    return wanted.size > 0;
  });
  return hits.map((hit) => found.get(hit)).filter((hit) => hit !== undefined);
};
