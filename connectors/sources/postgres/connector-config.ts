import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { FreshetError } from '../../../schemas/errors.ts';
import { MAX_RECORD_BYTES } from '../../../schemas/topics.ts';
import {
  type CaptureOptions,
  type ConnectorConfig,
  fillTemplate,
  sourceNames,
  tablePatterns,
} from '../../debezium/connector-config.ts';
import { signalTable } from './signal-postgres.ts';

/**
 * The configuration of a Postgres source's connector: connector.json with its parameters filled.
 * @throws FreshetError `config-invalid` when the URL is not one of Postgres
 */
export const postgresConnectorConfig = (options: CaptureOptions): ConnectorConfig => {
  const names = sourceNames(options.source);
  return fillTemplate(readTemplate(), {
    ...connectionOf(options.url),
    source: options.source,
    slot: names.slot,
    publication: names.publication,
    topic: names.topic,
    tables: tablePatterns(options.tables),
    signalTable: signalTable(options.source),
    epoch: String(options.epoch),
    schemaRegistry: options.schemaRegistry.replace(/\/+$/, ''),
    pollIntervalMs: String(options.pollIntervalMs ?? 2),
    heartbeatMs: String(options.heartbeatMs ?? 5000),
    maxRecordBytes: String(MAX_RECORD_BYTES),
  });
};

const readTemplate = (): ConnectorConfig =>
  z
    .record(z.string(), z.string())
    .parse(JSON.parse(readFileSync(new URL('connector.json', import.meta.url), 'utf8')));

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
