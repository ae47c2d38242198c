import type { FreshetConfig, SourceKindName } from '../../schemas/config.ts';
import { changeTopic, type TopicDefinition } from '../../schemas/topics.ts';
import type { ConnectorPlugin } from '../stack/install-plugin.ts';
import { MARIADB } from './mariadb/mariadb-kind.ts';
import { POSTGRES } from './postgres/postgres-kind.ts';
import type { SourceKind } from './source-kind.ts';

/** Every kind of source there is; the configuration names them by these keys. */
export const SOURCE_KINDS: Readonly<Record<SourceKindName, SourceKind>> = {
  postgres: POSTGRES,
  mariadb: MARIADB,
};

const BY_CONNECTOR = new Map(Object.values(SOURCE_KINDS).map((kind) => [kind.connectorName, kind]));

/** The kind whose connector wrote a change, by Debezium's `source.connector`. */
export const kindOfConnector = (connector: string | undefined): SourceKind | undefined =>
  connector === undefined ? undefined : BY_CONNECTOR.get(connector);

/** The topics of all sources: each one's changes, and what its connector keeps. */
export const sourceTopics = (sources: FreshetConfig['sources']): readonly TopicDefinition[] =>
  Object.entries(sources).flatMap(([name, { kind }]) => [
    changeTopic(name),
    ...SOURCE_KINDS[kind].ownTopics(name),
  ]);

/** The connectors that Connect has to load for these sources, beside those that it always has. */
export const sourcePlugins = (sources: FreshetConfig['sources']): readonly ConnectorPlugin[] =>
  [...new Set(Object.values(sources).map(({ kind }) => SOURCE_KINDS[kind].plugin))].filter(
    (plugin) => plugin !== undefined,
  );
