/** The pipeline and the index of a data plane: in this process, to be looked into, or in their own, to be killed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RoleProcess, startRole } from '../../cli/start/start-role.ts';
import { openLmdbDocumentTable } from '../../connectors/document-table/lmdb-document-table.ts';
import { openMinisearchKeywordIndex } from '../../connectors/keyword-index/minisearch-keyword-index.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import type { VectorIndexKind } from '../../connectors/vector-index/vector-index-kind.ts';
import { startIndexRole } from '../../pipelines/apply-index/index-role.ts';
import {
  type IndexDocumentsEvent,
  type IndexDocumentsSettings,
  startIndexDocuments,
} from '../../pipelines/index-documents/index-documents.ts';
import { askForPause } from '../../pipelines/watch-sources/ask-for-pause.ts';
import { readSourceStates, turnsIn } from '../../pipelines/watch-sources/source-states.ts';
import { type Clock, systemClock } from '../../schemas/clock.ts';
import type { FreshetError } from '../../schemas/errors.ts';
import type { DataPlane } from './indexed-source.ts';

export const temporaryFolder = async (): Promise<{ readonly path: string; remove(): Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), 'freshet-plane-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
};

/** Our clock, where it is not the system's. */
type Timed = { readonly clock?: Clock };

type IndexPlane = Pick<DataPlane, 'kafka' | 'writer' | 'codec' | 'source' | 'config'> & Timed;

type Outcome = Extract<IndexDocumentsEvent, { type: 'records' }>['outcome'];

type PipelinePlane = Pick<DataPlane, 'kafka' | 'writer' | 'codec' | 'registry' | 'config' | 'url'> &
  Timed &
  Pick<IndexDocumentsSettings, 'lettingGo'>;

/** index-documents in this process, with everything it said. */
export const startPipeline = async (
  plane: PipelinePlane,
  folder: string,
  model: EmbeddingModel = createHashEmbeddingModel(),
  embeds: () => boolean = () => true,
) => {
  const counts: Record<Outcome, number> = {
    appended: 0,
    superseded: 0,
    dropped: 0,
    quarantined: 0,
    'dead-lettered': 0,
  };
  const refusals: string[] = [];
  const retries: Error[] = [];
  const failures: FreshetError[] = [];
  const rowsRead: string[] = [];
  const { kafka, writer, codec, registry, config, url } = plane;
  const table = await openLmdbDocumentTable({ folder: join(folder, 'documents') });
  const readers = new Map(
    Object.entries(config.sources).map(([source, { kind, url: configured }]) => [
      source,
      SOURCE_KINDS[kind].openRows(configured === 'sample' ? url : configured),
    ]),
  );
  const pipeline = await startIndexDocuments({
    ...{ kafka, writer, codec, registry, table, config },
    ...(plane.lettingGo && { lettingGo: plane.lettingGo }),
    model,
    embeds,
    clock: plane.clock ?? systemClock,
    readRow: async (source, change) => {
      rowsRead.push(String(change.key.id));
      return readers.get(source)?.read(change.table, change.key);
    },
    tableTurns: async () => turnsIn(await readSourceStates(kafka, codec)),
    askForPause: (found) => askForPause({ writer, codec, clock: systemClock }, found),
    onEvent: (event) => {
      if (event.type === 'records') counts[event.outcome] += event.count;
      else if (event.type === 'gate-refused') refusals.push(event.gate);
      else if (event.type === 'retry') retries.push(event.error);
    },
    onFailure: (error) => failures.push(error),
  });
  return {
    ...{ counts, refusals, retries, failures, rowsRead, stats: pipeline.stats },
    stop: async (): Promise<void> => {
      await pipeline.stop();
      await table.close();
      for (const reader of readers.values()) await reader.close();
    },
  };
};

/** A replica reads all partitions, so each needs a name of its own. */
export const startIndex = async (
  plane: IndexPlane,
  folder: string,
  name = `${plane.source}-index`,
  model: EmbeddingModel = createHashEmbeddingModel(),
  kind?: VectorIndexKind,
  timings = true,
) => {
  const { kafka, writer, codec } = plane;
  const counts = { applied: 0, superseded: 0, unreadable: 0 };
  const discarded: string[] = [];
  const failures: FreshetError[] = [];
  const index = await startIndexRole({
    ...{ kafka, writer, codec },
    name,
    folder: join(folder, 'index'),
    ...(kind ? { kind } : {}),
    model,
    timings,
    keywords: openMinisearchKeywordIndex(),
    clock: plane.clock ?? systemClock,
    sources: Object.keys(plane.config.sources),
    targetMs: plane.config.freshness.targetMs,
    onEvent: (event) => {
      if (event.type === 'records') counts[event.outcome] += event.count;
      else if (event.type === 'discarded') discarded.push(event.reason);
    },
    onFailure: (error) => failures.push(error),
  });
  // The log is shared: rows of other tests' sources, of the same tenants, say nothing here.
  const [own, ...others] = Object.keys(plane.config.sources);
  const filter = own !== undefined && others.length === 0 ? { source: own } : {};
  const search: typeof index.search = (request, signal) =>
    index.search({ ...request, filter: { ...filter, ...request.filter } }, signal);
  return { ...index, search, discarded, counts, failures };
};

/** A role as `freshet up` runs it. Its source must be called `plane`: that is what its configuration file says. */
export const startPlaneRole = (
  plane: DataPlane,
  role: 'pipeline' | 'index',
  folder: string,
  kafka = plane.servers.kafka,
): Promise<RoleProcess> =>
  startRole({
    role,
    name: `${role}-1`,
    options: {
      kafka,
      registry: plane.registryUrl,
      connect: plane.servers.connect,
      config: fileURLToPath(new URL('plane.config.ts', import.meta.url)),
      data: folder,
      models: plane.servers.modelDirectory,
      'sample-url': plane.url,
    },
    logFolder: folder,
    environment: process.env,
    onExit: () => undefined,
  });
