/**
 * freshet.documents → freshet.documents.<model>: the same documents under another embedding model, record by record and in
 * order, so that what is true of the one log is true of the other. What stood in the log at the start is embedded at a
 * bounded rate; what comes after it at once. Stopped anywhere, it goes on from its committed offsets: a record written twice is equal.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openGroupReader } from '../../connectors/kafka/group-reader.ts';
import type { TopicPartition } from '../../connectors/kafka/kafka.ts';
import { EmbeddingCache } from '../../connectors/models/embedding/embedding-cache.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { beginsAnew } from '../begins-anew.ts';
import { createPace } from './pace.ts';
import type { PlannedDocument } from './reembed-document.ts';
import { createReembedPartition, type ReembedPartition } from './reembed-partition.ts';
import type { ReembedSettings } from './reembed-settings.ts';

export interface Reembedding {
  waiting(): number;
  stop(): Promise<void>;
}

export const reembedGroup = (name: string): string => `freshet.reembed-documents.${name}`;

const FINISH_WITHIN_MS = 2_000;
const CACHE_BYTES = 64 * 1024 * 1024;
const DOCUMENTS = TOPICS.documents.name;

/**
 * Errors, at the start: `kafka-unavailable`; `config-invalid` where the log was begun with another model of that name, as after a
 * change of `revision`: its vectors would be mixed.
 */
export const reembedDocuments = async (settings: ReembedSettings): Promise<Reembedding> => {
  const { kafka, model, table } = settings;
  for (const { metadata: begunWith } of (
    await kafka.admin.committed(reembedGroup(settings.name), DOCUMENTS)
  ).values())
    if (begunWith && begunWith !== model.id)
      throw new FreshetError(
        'config-invalid',
        `${settings.topic} holds vectors of ${begunWith}, and ${settings.name} is ${model.id} now: give the model another name in embedding.models, and run: freshet index reembed --model <name>`,
      );
  const cache = new EmbeddingCache({ model, maxBytes: CACHE_BYTES });
  const limits = { ...settings.chunking, countTokens: (text: string) => model.countTokens(text) };
  const work = new Map<number, ReembedPartition>();
  const pace = createPace(settings.backfillPerSecond);
  const liveFrom = new Map(
    (await kafka.admin.offsets(DOCUMENTS)).map(({ partition, latest }) => [partition, latest]),
  );

  const embed = async (planned: readonly PlannedDocument[]): Promise<ReadonlyMap<string, Float32Array>> => {
    const byTenant = new Map<string, Map<string, string>>();
    for (const { record, chunks, known } of planned)
      for (const { hash, text } of chunks) {
        if (known.has(hash)) continue;
        const tenant = record.tenant ?? '';
        byTenant.set(tenant, (byTenant.get(tenant) ?? new Map<string, string>()).set(hash, text));
      }
    const vectors = new Map<string, Float32Array>();
    await Promise.all(
      [...byTenant].map(async ([tenant, texts]) => {
        const made = await cache.forTenant(tenant).embed([...texts.values()]);
        for (const [at, hash] of [...texts.keys()].entries()) {
          const vector = made[at];
          if (vector) vectors.set(hash, vector);
        }
      }),
    );
    return vectors;
  };

  const partitionOf = (partition: number): ReembedPartition => {
    const documents = { topic: DOCUMENTS, partition };
    const own = { topic: settings.topic, partition };
    return createReembedPartition({
      ...settings,
      partition,
      limits,
      pace,
      liveFrom: liveFrom.get(partition) ?? 0,
      embed,
      // Everything below it stands in the other log: that is what a commit of this group means.
      onDone: (next) => reader.commit([{ ...documents, offset: next, metadata: model.id }]),
      onFull: () => reader.pause(documents),
      onDrained: () => reader.resume(documents),
      onTailFull: () => reader.pause(own),
      onTailDrained: () => reader.resume(own),
    });
  };

  const assigned = async (
    partitions: readonly TopicPartition[],
  ): Promise<readonly (TopicPartition & { readonly offset: number })[]> => {
    const committed = await kafka.admin.committed(reembedGroup(settings.name), DOCUMENTS);
    const logOf = async (topic: string) =>
      new Map((await kafka.admin.offsets(topic)).map((each) => [each.partition, each]));
    const [theirs, own] = [await logOf(DOCUMENTS), await logOf(settings.topic)];
    const mine = partitions.filter(({ topic }) => topic === DOCUMENTS);
    return mine.flatMap(({ partition }) => {
      const read = theirs.get(partition) ?? { earliest: 0, latest: 0 };
      const written = own.get(partition) ?? { earliest: 0, latest: 0 };
      const from = committed.get(partition)?.offset ?? read.earliest;
      const { latest } = written;
      if (beginsAnew(table, { partition, latest, now: settings.clock() })) table.clear(partition);
      work.get(partition)?.abandon();
      work.set(partition, partitionOf(partition));
      return [
        // A group that is ahead of its log read a topic that was made anew.
        {
          topic: DOCUMENTS,
          partition,
          offset: from > read.latest ? read.earliest : Math.max(read.earliest, from),
        },
        {
          topic: settings.topic,
          partition,
          offset: Math.max(written.earliest, table.position(partition) ?? written.earliest),
        },
      ];
    });
  };

  let ready: (() => void) | undefined;
  const opened = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const reader = await openGroupReader(
    kafka,
    { groupId: reembedGroup(settings.name), topics: [DOCUMENTS, settings.topic] },
    {
      onAssigned: async (partitions) => {
        await opened;
        return assigned(partitions);
      },
      onRevoked: (partitions) => {
        for (const { topic, partition } of partitions) {
          if (topic !== DOCUMENTS) continue;
          work.get(partition)?.abandon();
          work.delete(partition);
        }
      },
      onBatch: ({ topic, partition, records }) => {
        if (topic === DOCUMENTS) work.get(partition)?.documents(records);
        else work.get(partition)?.tail(records);
      },
      onFailure: settings.onFailure,
    },
  );

  ready?.();

  return {
    waiting: () => [...work.values()].reduce((sum, each) => sum + each.waiting(), 0),
    stop: async () => {
      const all = [...work.values()];
      for (const each of all) each.abandon();
      await Promise.race([Promise.all(all.map((each) => each.ended())), sleep(FINISH_WITHIN_MS)]);
      await reader.close();
    },
  };
};
