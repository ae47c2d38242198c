/** Makes the sources of a configuration ready for capture: the sample database where asked for, publications, connectors. */
import { type LoadResult, loadSampleSource } from '../../connectors/sample-source/load-sample-source.ts';
import { connectToSource, sourceUnavailable } from '../../connectors/sample-source/source-connection.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import { uncarriedTrouble } from '../../connectors/sources/table-shapes.ts';
import { columnsRead } from '../../pipelines/index-documents/draft.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import { FreshetError } from '../../schemas/errors.ts';

const SAMPLE_DATABASE = 'helpcentre';
/** Postgres copies a database for it, and writes it to a disk that everything else begins on too. */
const CREATE_SAMPLE = { text: `create database ${SAMPLE_DATABASE}`, query_timeout: 60_000 };

/** The name of the source that is the sample that `npm start` makes; undefined where none is. */
export const sampleOf = ({ sources }: Pick<FreshetConfig, 'sources'>): string | undefined =>
  Object.keys(sources).find((name) => sources[name]?.url === 'sample');

export const hasSample = (config: Pick<FreshetConfig, 'sources'>): boolean => sampleOf(config) !== undefined;

export const sampleUrlOf = (serverUrl: string): string => {
  const url = new URL(serverUrl);
  url.pathname = `/${SAMPLE_DATABASE}`;
  return url.href;
};

/** Creates and fills the sample database; what is there stays. Errors: `source-unavailable`, also where the signal breaks it off. */
export const prepareSample = async (
  serverUrl: string,
  rows: number,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<LoadResult> => {
  const { client, close } = await connectToSource(serverUrl, signal);
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [
      SAMPLE_DATABASE,
    ]);
    if (rowCount === 0) await client.query(CREATE_SAMPLE);
  } catch (thrown) {
    throw sourceUnavailable('Making the sample database', thrown);
  } finally {
    await close();
  }
  return loadSampleSource({
    url: sampleUrlOf(serverUrl),
    rows,
    seed: 7,
    signal,
    onProgress: ({ done, total }) => onProgress(done, total),
  });
};

/**
 * Publications and signal tables of every source, so that what has to be changed in a database or a mapping ends the start with one
 * error; the pipeline role registers the connectors. Safe to repeat. Errors: `config-invalid`, `source-unavailable`.
 */
export const prepareCapture = async (config: FreshetConfig, sampleUrl: string): Promise<void> => {
  for (const [source, { kind, url: named, tables }] of Object.entries(config.sources)) {
    const place = { source, url: named === 'sample' ? sampleUrl : named };
    await SOURCE_KINDS[kind].prepare({ ...place, tables: Object.keys(tables) });
    const shapes = await SOURCE_KINDS[kind].shapes(place, Object.keys(tables));
    for (const [table, mapping] of Object.entries(tables)) {
      const shape = shapes.get(table);
      const trouble = shape && uncarriedTrouble(columnsRead(mapping), shape);
      if (trouble) throw new FreshetError('config-invalid', `The table ${table} of ${source}: ${trouble}.`);
    }
  }
};
