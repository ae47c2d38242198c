/** Makes the sources of a configuration ready for capture: the sample database where asked for, publications, connectors. */
import pg from 'pg';
import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { type LoadResult, loadSampleSource } from '../../connectors/sample-source/load-sample-source.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import type { FreshetConfig } from '../../schemas/config.ts';

const SAMPLE_DATABASE = 'helpcentre';
/** Raised by hand, or by recovery, when a slot, a topic or a source is made anew (rule V). */
const FIRST_EPOCH = 1;

export const sampleUrlOf = (serverUrl: string): string => {
  const url = new URL(serverUrl);
  url.pathname = `/${SAMPLE_DATABASE}`;
  return url.href;
};

/** Creates and fills the sample database; what is there stays. Errors: `source-unavailable`. */
export const prepareSample = async (
  serverUrl: string,
  rows: number,
  onProgress: (done: number, total: number) => void,
): Promise<LoadResult> => {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [
      SAMPLE_DATABASE,
    ]);
    if (rowCount === 0) await client.query(`create database ${SAMPLE_DATABASE}`);
  } finally {
    await client.end();
  }
  return loadSampleSource({
    url: sampleUrlOf(serverUrl),
    rows,
    seed: 7,
    onProgress: ({ done, total }) => onProgress(done, total),
  });
};

export interface CaptureSettings {
  readonly connect: string;
  /** As Connect reaches them: the broker, and the base URL of the registry. */
  readonly kafka: string;
  readonly schemaRegistry: string;
  readonly sampleUrl: string;
  readonly pollIntervalMs?: number;
}

/** Publications and connectors of every source; safe to repeat. Errors: `config-invalid`, `source-unavailable`, `connect-unavailable`, `connector-invalid`. */
export const startCapture = async (config: FreshetConfig, settings: CaptureSettings): Promise<void> => {
  const connect = openConnectApi(settings.connect);
  for (const [source, { kind: name, url: configured, tables }] of Object.entries(config.sources)) {
    const url = configured === 'sample' ? settings.sampleUrl : configured;
    const kind = SOURCE_KINDS[name];
    await kind.prepare({ url, source, tables: Object.keys(tables) });
    await connect.putConnector(
      sourceNames(source).connector,
      kind.connectorConfig({
        source,
        url,
        tables: Object.keys(tables),
        epoch: FIRST_EPOCH,
        kafka: settings.kafka,
        schemaRegistry: settings.schemaRegistry,
        ...(settings.pollIntervalMs === undefined ? {} : { pollIntervalMs: settings.pollIntervalMs }),
      }),
    );
  }
};
