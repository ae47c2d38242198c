import type { SourceKindName } from '../../schemas/config.ts';
import { POSTGRES } from './postgres/postgres-kind.ts';
import type { SourceKind } from './source-kind.ts';

/** Every kind of source there is; the configuration names them by these keys. */
export const SOURCE_KINDS: Readonly<Record<SourceKindName, SourceKind>> = { postgres: POSTGRES };

const BY_CONNECTOR = new Map(Object.values(SOURCE_KINDS).map((kind) => [kind.connectorName, kind]));

/** The kind whose connector wrote a change, by Debezium's `source.connector`. */
export const kindOfConnector = (connector: string | undefined): SourceKind | undefined =>
  connector === undefined ? undefined : BY_CONNECTOR.get(connector);
