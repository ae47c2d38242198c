import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { changeTopic } from '../../schemas/topics.ts';
import type { WatchedSource } from './watched-source.ts';

/**
 * Makes database, change topic and connector as the configuration wants them under an epoch; what is so already is left alone,
 * as a connector that is given its configuration again restarts its task. Tables that have `gone` for a while are expected back: they are
 * asked nothing of. Returns whether the connector was changed. Errors:
 * `config-invalid`, `source-unavailable`, `connect-unavailable`, `connector-invalid`, `kafka-unavailable`.
 */
export const registerConnector = async (
  watched: WatchedSource,
  epoch: number,
  gone: readonly string[] = [],
): Promise<boolean> => {
  const { source, kind, url, connect, kafka, capture } = watched;
  const tables = Object.keys(watched.mappings);
  await kind.prepare({ source, url, tables: tables.filter((table) => !gone.includes(table)) });
  await kafka.admin.createTopics([changeTopic(source), ...kind.ownTopics(source)]);
  const { connector } = sourceNames(source);
  const wanted = kind.connectorConfig({ source, url, tables, epoch, ...capture });
  const standing = await connect.config(connector);
  const same = standing && Object.entries(wanted).every(([name, value]) => standing[name] === value);
  if (same) return false;
  await connect.putConnector(connector, wanted);
  return true;
};
