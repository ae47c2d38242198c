import { probeTable } from '../../../schemas/probe.ts';
import {
  type CaptureOptions,
  type ConnectorConfig,
  connectorFrom,
  sourceNames,
} from '../../debezium/connector-config.ts';
import { postgresAddress } from './postgres-address.ts';
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
      ...postgresAddress(options.url, options.source),
      slot,
      publication,
      signalTable: signalTable(options.source),
    },
  );
};
