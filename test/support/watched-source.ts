/** The watch of a data plane's source in this process, with everything it said. It registers the connector by itself. */
import { randomUUID } from 'node:crypto';
import { createChangeReader } from '../../connectors/debezium/read-change.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import { commandRecord, type SourceCommand } from '../../pipelines/watch-sources/source-commands.ts';
import type { SourceEvent } from '../../pipelines/watch-sources/watch-source.ts';
import { watchSources } from '../../pipelines/watch-sources/watch-sources.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { SourceState } from '../../schemas/records.ts';
import type { DataPlane } from './indexed-source.ts';
import { until } from './until.ts';

export const watchPlane = async (plane: DataPlane) => {
  const { source, kafka, writer, codec, registry, connect, url, config, servers } = plane;
  const events: SourceEvent[] = [];
  const states: SourceState[] = [];
  const watch = await watchSources({
    sources: [
      {
        ...{ source, url, connect, kafka, writer, codec },
        kind: SOURCE_KINDS.postgres,
        mappings: config.sources[source]?.tables ?? {},
        capture: { kafka: servers.kafka, schemaRegistry: servers.schemaRegistry, heartbeatMs: 500 },
        changes: createChangeReader(registry),
        clock: systemClock,
      },
    ],
    everyMs: 250,
    betweenEpochsMs: 1_000,
    onEvent: (event) => {
      events.push(event);
      if (event.type === 'state') states.push(event.state);
    },
  });
  const state = (): SourceState | undefined => states.at(-1);
  return {
    ...{ events, states, state, stop: watch.stop },
    command: (command: Pick<SourceCommand, 'action' | 'table'>) =>
      writer.append([
        commandRecord(codec, { source, by: 'test', reason: null, ...command }, randomUUID(), systemClock()),
      ]),
    untilStreaming: (epoch: number) =>
      until(
        `streaming under epoch ${epoch}`,
        () => state()?.state === 'streaming' && state()?.epoch === epoch,
        { within: 300_000, every: 50 },
      ).catch((error) => {
        const last = events.slice(-6).map((each) => JSON.stringify(each, errorText));
        throw new Error(`${error.message}; last: ${last.join('\n')}`);
      }),
  };
};

const errorText = (_: string, value: unknown): unknown => (value instanceof Error ? value.message : value);
