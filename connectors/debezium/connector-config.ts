import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { changeTopic, MAX_RECORD_BYTES } from '../../schemas/topics.ts';

/** Connect's own form: names and texts. */
export type ConnectorConfig = Readonly<Record<string, string>>;

/** What a connector is made from, whatever its database. */
export type CaptureOptions = {
  /** The source's name in freshet.config.ts. */
  readonly source: string;
  /** Of the database, with user and password. */
  readonly url: string;
  /** schema.table, or database.table where there are no schemas */
  readonly tables: readonly string[];
  /** Rises when a slot, a topic or the source is made anew (rule V). */
  readonly epoch: number;
  /** host:port, as Connect reaches it. */
  readonly kafka: string;
  /** Base URL of the registry, as Connect reaches it. */
  readonly schemaRegistry: string;
  /** How long Debezium sleeps when there was nothing: what it waits for is decision 20's. Default 8. */
  readonly pollIntervalMs?: number;
  /**
   * How often a quiet source's position moves. Default 5000. MariaDB's connector takes a connection that was silent for so long for
   * lost, and a stall of its own for silence: one that is short has it begin large transactions again and again.
   */
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

const COMMON = new URL('common-connector.json', import.meta.url);

/**
 * A connector's configuration: what is the same for every kind of source (common-connector.json) and the kind's own template,
 * with their parameters filled. A kind's template may use the common parameters too.
 */
export const connectorFrom = (
  template: URL,
  options: Omit<CaptureOptions, 'url' | 'kafka'>,
  parameters: Readonly<Record<string, string>>,
): ConnectorConfig =>
  fillTemplate(
    { ...readTemplate(COMMON), ...readTemplate(template) },
    {
      ...parameters,
      source: options.source,
      topic: sourceNames(options.source).topic,
      tables: tablePatterns(options.tables),
      epoch: String(options.epoch),
      schemaRegistry: options.schemaRegistry.replace(/\/+$/, ''),
      pollIntervalMs: String(options.pollIntervalMs ?? 8),
      heartbeatMs: String(options.heartbeatMs ?? 5000),
      maxRecordBytes: String(MAX_RECORD_BYTES),
    },
  );

const readTemplate = (file: URL): ConnectorConfig =>
  z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(file, 'utf8')));

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

/** Debezium reads each table as a regular expression that has to match the whole name. */
export const tablePatterns = (tables: readonly string[]): string =>
  tables.map((table) => table.replace(/[\\^$.|?*+()[\]{},]/g, '\\$&')).join(',');
