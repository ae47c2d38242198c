import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { FreshetError } from '../../schemas/errors.ts';
import { changeTopic, MAX_RECORD_BYTES } from '../../schemas/topics.ts';

/** Connect's own form: names and texts. */
export type ConnectorConfig = Readonly<Record<string, string>>;

export type PostgresConnectorOptions = {
  /** The source's name in freshet.config.ts. */
  readonly source: string;
  /** postgres://user:password@host:port/database */
  readonly url: string;
  /** schema.table */
  readonly tables: readonly string[];
  /** Rises when a slot, a topic or the source is made anew (rule V). */
  readonly epoch: number;
  /** Base URL of the registry. */
  readonly schemaRegistry: string;
  /** How long Debezium sleeps when there was nothing: 3 ms of median latency between 2 and 5, for a tenth of a core. Default 2. */
  readonly pollIntervalMs?: number;
  /** How often a quiet source's position moves. Default 5000. */
  readonly heartbeatMs?: number;
};

/** The names that belong to a source: its connector, slot, publication and topic. */
export const sourceNames = (source: string) =>
  ({
    connector: `freshet-${source}`,
    // Source names have no underscores, so no two share a slot.
    slot: `freshet_${source.replaceAll('-', '_')}`,
    publication: `freshet_${source.replaceAll('-', '_')}`,
    topic: changeTopic(source).name,
  }) as const;

/**
 * The configuration of a source's connector: postgres-connector.json with its parameters filled.
 * @throws FreshetError `config-invalid` when the URL is not one of Postgres
 */
export const postgresConnectorConfig = (options: PostgresConnectorOptions): ConnectorConfig => {
  const names = sourceNames(options.source);
  return fillTemplate(readTemplate(), {
    ...connectionOf(options.url),
    source: options.source,
    slot: names.slot,
    publication: names.publication,
    topic: names.topic,
    tables: options.tables.map(asPattern).join(','),
    epoch: String(options.epoch),
    schemaRegistry: options.schemaRegistry.replace(/\/+$/, ''),
    pollIntervalMs: String(options.pollIntervalMs ?? 2),
    heartbeatMs: String(options.heartbeatMs ?? 5000),
    maxRecordBytes: String(MAX_RECORD_BYTES),
  });
};

/** Puts parameters in place of `${name}`. A parameter that is unknown or not used is a mistake of ours: RangeError. */
export const fillTemplate = (
  template: ConnectorConfig,
  parameters: Readonly<Record<string, string>>,
): ConnectorConfig => {
  const used = new Set<string>();
  const fill = (text: string): string =>
    text.replace(/\$\{(\w+)\}/g, (_, name: string) => {
      const value = parameters[name];
      if (value === undefined) throw new RangeError(`the connector's template asks for an unknown ${name}`);
      used.add(name);
      return value;
    });
  const filled = Object.fromEntries(Object.entries(template).map(([name, value]) => [name, fill(value)]));
  const unused = Object.keys(parameters).filter((name) => !used.has(name));
  if (unused.length > 0) throw new RangeError(`the connector's template never uses ${unused.join(', ')}`);
  return filled;
};

const readTemplate = (): ConnectorConfig =>
  z
    .record(z.string(), z.string())
    .parse(JSON.parse(readFileSync(new URL('postgres-connector.json', import.meta.url), 'utf8')));

const connectionOf = (text: string) => {
  try {
    const url = new URL(text);
    if (!/^postgres(ql)?:$/.test(url.protocol) || url.pathname.length < 2)
      throw new TypeError('not a database');
    return {
      hostname: url.hostname,
      port: url.port || '5432',
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
    };
  } catch (cause) {
    throw new FreshetError(
      'config-invalid',
      'The URL of a Postgres source must read postgres://user:password@host:port/database.',
      { cause },
    );
  }
};

/** Debezium reads each table as a regular expression that has to match the whole name. */
const asPattern = (table: string): string => table.replace(/[\\^$.|?*+()[\]{},]/g, '\\$&');
