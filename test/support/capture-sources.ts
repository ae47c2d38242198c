import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import type { FreshetConfig } from '../../schemas/config.ts';

/** Captures every source of a configuration under epoch 1, without the watch that the pipeline role keeps of them. */
export const captureSources = async (
  config: FreshetConfig,
  stack: { readonly connect: string; readonly kafka: string; readonly schemaRegistry: string },
): Promise<void> => {
  const connect = openConnectApi(stack.connect);
  const { kafka, schemaRegistry } = stack;
  for (const [source, { kind: name, url, tables: mappings }] of Object.entries(config.sources)) {
    const kind = SOURCE_KINDS[name];
    const tables = Object.keys(mappings);
    await kind.prepare({ source, url, tables });
    await connect.putConnector(
      sourceNames(source).connector,
      kind.connectorConfig({ source, url, tables, epoch: 1, kafka, schemaRegistry, heartbeatMs: 1_000 }),
    );
  }
};
