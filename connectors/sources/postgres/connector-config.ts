import { FreshetError } from '../../../schemas/errors.ts';
import { probeTable } from '../../../schemas/probe.ts';
import {
  type CaptureOptions,
  type ConnectorConfig,
  connectorFrom,
  sourceNames,
} from '../../debezium/connector-config.ts';
import { signalTable } from './signal-postgres.ts';

/**
 * The configuration of a Postgres source's connector: connector.json with its parameters filled. Its heartbeat writes two logical
 * messages: one outside a transaction, whose own position is confirmed at once, and one that is committed. A connector that stopped
 * right after a commit looks for the next one to begin from, and with the first alone would look until a captured row changes. Its driver
 * prepares nothing (`driver.prepareThreshold`): a plan that it keeps from a table's earlier columns fails the next snapshot of that table.
 * @throws FreshetError `config-invalid` when the URL is not one of Postgres
 */
export const postgresConnectorConfig = (options: Omit<CaptureOptions, 'kafka'>): ConnectorConfig => {
  const { slot, publication } = sourceNames(options.source);
  const tables = [...options.tables, probeTable(options.source)];
  return connectorFrom(
    new URL('connector.json', import.meta.url),
    { ...options, tables },
    {
      ...connectionOf(options.url),
      slot,
      publication,
      signalTable: signalTable(options.source),
    },
  );
};

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
