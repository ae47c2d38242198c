/** Changes as the tests of this folder make them, and a mapping for their rows. */
import type { Change } from '../../../connectors/debezium/change.ts';
import type { KafkaRecord } from '../../../connectors/kafka/kafka.ts';
import { EmbeddingCache } from '../../../connectors/models/embedding/embedding-cache.ts';
import { createHashEmbeddingModel } from '../../../connectors/models/embedding/hash-embedding-model.ts';
import { createDriftWatch } from '../../../pipelines/gates/drift-state.ts';
import { NO_LOOKALIKES } from '../../../pipelines/gates/run-gates.ts';
import { createVolumeWatch } from '../../../pipelines/gates/volume-state.ts';
import {
  type EmbedSettings,
  embedDocuments,
  type Outcome,
} from '../../../pipelines/index-documents/embed-documents.ts';
import {
  type ChangeToPrepare,
  type Holdings,
  type PrepareSettings,
  prepareChanges,
} from '../../../pipelines/index-documents/prepare-changes.ts';
import {
  type AppendPlan,
  type AppendPlanSettings,
  planAppends,
} from '../../../pipelines/index-documents/records-to-append.ts';
import { parseConfig, type Row } from '../../../schemas/config.ts';
import { type GateOverrides, type GateSettings, settingsOfTable } from '../../../schemas/gate-settings.ts';
import type { Document } from '../../../schemas/records.ts';
import { makeVersion, type Version } from '../../../schemas/version.ts';

export const model = createHashEmbeddingModel();

export const config = parseConfig({
  sources: {
    shop: {
      kind: 'postgres',
      url: 'sample',
      tables: {
        'public.a': {
          title: (row: Row) => String(row.title),
          text: (row: Row) => String(row.body),
          tenant: (row: Row) => String(row.tenant),
          metadata: (row: Row) => ({ kind: row.kind as string }),
        },
      },
    },
  },
  agents: [],
  gates: { maxTextCharacters: 500 },
});

export const versionAt = (position: number): Version => makeVersion(1, [BigInt(position), 0n]);

export const recordAt = (offset: number, fields: Partial<KafkaRecord> = {}): KafkaRecord => ({
  topic: 'cdc.shop',
  partition: 2,
  offset,
  timestamp: 1_000,
  key: Buffer.from('{"id":1}'),
  value: Buffer.from('value'),
  headers: {},
  ...fields,
});

export const upsertAt = (
  position: number,
  row: Row = {},
  fields: Partial<Extract<Change, { kind: 'upsert' }>> = {},
): Change => ({
  kind: 'upsert',
  table: 'public.a',
  version: versionAt(position),
  committedAt: position,
  capturedAt: position,
  key: { id: '1' },
  row: { id: 1n, title: 'Title', body: `Body ${position}.`, tenant: 'acme', kind: 'x', ...row },
  read: false,
  unavailable: [],
  ...fields,
});

export const deleteAt = (position: number, id = '1'): Change => ({
  kind: 'delete',
  table: 'public.a',
  version: versionAt(position),
  committedAt: position,
  capturedAt: position,
  key: { id },
});

export const truncateAt = (position: number): Change => ({
  kind: 'truncate',
  table: 'public.a',
  version: versionAt(position),
  committedAt: position,
  capturedAt: position,
});

export const toPrepare = (changes: readonly Change[]): readonly ChangeToPrepare[] =>
  changes.map((change, at) => ({ record: recordAt(at), source: 'shop', read: { kind: 'change', change } }));

/** What the owner of a partition holds, from records. */
export const holding = (...records: readonly Document[]): Holdings => ({
  standing: (id) => records.find((each) => each.documentId === id && each.kind !== 'floor'),
  newest: (id) => records.find((each) => each.documentId === id && each.kind !== 'floor'),
  floor: (id) => records.find((each) => each.documentId === id && each.kind === 'floor')?.version,
});

export const prepareSettings = (
  readRow: PrepareSettings['readRow'] = async () => undefined,
): PrepareSettings => ({
  config,
  model: model.id,
  chunking: { maxTokens: 40, overlapTokens: 0, countTokens: (text) => model.countTokens(text) },
  limits: { maxRecordBytes: 100_000 },
  lookalikes: NO_LOOKALIKES,
  volume: createVolumeWatch(() => 0),
  releaseOf: () => undefined,
  clock: () => 7,
  readRow,
});

export const settingsOf = (gates: GateOverrides, over: Partial<PrepareSettings> = {}): PrepareSettings => ({
  ...prepareSettings(),
  config: { ...config, gates: settingsOfTable(config.gates as GateSettings, gates) },
  ...over,
});

/** What comes of a batch where this is held. */
export const outcomesOfRecords = async (
  settings: PrepareSettings,
  changes: readonly ChangeToPrepare[],
  held: Holdings = holding(),
  embed: Partial<EmbedSettings> = {},
): Promise<readonly Outcome[]> => {
  const embedding = new EmbeddingCache({ model, maxBytes: 1e6 });
  const settingsToEmbed = { embedding, model, clock: () => 8, drift: createDriftWatch(), ...embed };
  return embedDocuments(settingsToEmbed, await prepareChanges(settings, held, changes));
};

export const outcomesOf = (
  settings: PrepareSettings,
  changes: readonly Change[],
  held?: Holdings,
  embed?: Partial<EmbedSettings>,
): Promise<readonly Outcome[]> => outcomesOfRecords(settings, toPrepare(changes), held, embed);

/** Encodes as JSON, vectors as their length: what is appended can be read again. */
const jsonCodec: AppendPlanSettings['codec'] = {
  bodyOf: (_, value) => value.subarray(1),
  encode: (_, record) =>
    Buffer.from(
      JSON.stringify(record, (_key, value: unknown) =>
        Buffer.isBuffer(value) ? value.toString('hex') : value,
      ),
    ),
};

export const planOf = (outcomes: readonly Outcome[], maxRecordBytes = 100_000): AppendPlan =>
  planAppends(
    { codec: jsonCodec, partition: 2, documentPartitions: 4, limits: { maxRecordBytes }, now: 99 },
    outcomes,
  );

/** What comes to stand in the log. */
export const writtenOf = (outcomes: readonly Outcome[]): readonly Document[] =>
  planOf(outcomes).documents.map(({ record }) => record);

export const recordsOf = async (...asked: Parameters<typeof outcomesOf>): Promise<readonly Document[]> =>
  writtenOf(await outcomesOf(...asked));
