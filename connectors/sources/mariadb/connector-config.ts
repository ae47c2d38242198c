import { probeTable } from '../../../schemas/probe.ts';
import { schemaHistoryTopic } from '../../../schemas/topics.ts';
import {
  type CaptureOptions,
  type ConnectorConfig,
  connectorFrom,
  tablePatterns,
} from '../../debezium/connector-config.ts';
import { mariadbAddress } from './mariadb-connection.ts';
import { signalTable } from './signal-mariadb.ts';

/**
 * The configuration of a MariaDB source's connector: connector.json with its parameters filled.
 * @throws FreshetError `config-invalid` when the URL is not one of MariaDB
 */
export const mariadbConnectorConfig = (options: CaptureOptions): ConnectorConfig => {
  const { host, port, user, password, tls } = mariadbAddress(options.url, options.source);
  const signals = signalTable(options.source);
  const tables = [...options.tables, probeTable(options.source)];
  const databases = [...new Set([...tables, signals].map((table) => table.split('.')[0] ?? ''))];
  return connectorFrom(
    new URL('connector.json', import.meta.url),
    { ...options, tables },
    {
      ...{ host, user, password, tls },
      port: String(port),
      databases: tablePatterns(databases),
      signals,
      serverId: String(replicaIdOf(options.source)),
      kafka: options.kafka,
      history: schemaHistoryTopic(options.source).name,
    },
  );
};

/** Each reader of a server's binlog needs a number of its own, the same after every restart: FNV-1a of the name, above those that people give. */
export const replicaIdOf = (source: string): number => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(source)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return 0x4000_0000 + (hash % 0x4000_0000);
};
