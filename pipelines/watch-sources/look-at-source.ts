import {
  type ConnectorOffset,
  isOfIncremental,
  isOfSnapshot,
} from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import type { SourceSeen } from './source-watch-state.ts';
import { changeEnds } from './sweep.ts';
import type { WatchedSource } from './watched-source.ts';

export interface LookedAt extends SourceSeen {
  readonly connectOffset: ConnectorOffset | undefined;
}

/** Asks database, Connect and Kafka, in this order: see SourceKind.observe. What does not answer is undefined. Never throws. */
export const lookAt = async (watched: WatchedSource): Promise<LookedAt> => {
  const { source, kind, url, connect } = watched;
  const { connector } = sourceNames(source);
  const observed = await kind.observe({ source, url }).catch(() => undefined);
  const status = await connect.status(connector).then(
    (found) => found ?? ('missing' as const),
    () => 'unreachable' as const,
  );
  // A Connect that has just started knows no connector yet, and so no offsets of it: that says nothing.
  const offsets =
    typeof status === 'object' ? await connect.offsets(connector).catch(() => undefined) : undefined;
  const connectOffset = offsets?.find(({ offset }) => offset !== null);
  let loss = observed && offsets && kind.lossOf(observed, connectOffset);
  if (loss === 'database-restored') {
    // The log goes on between the two questions, and Connect with it: a log that ends before what was read ends there still.
    const again = await kind.observe({ source, url }).catch(() => undefined);
    if (!again || kind.lossOf(again, connectOffset) !== loss) loss = undefined;
  }
  return {
    observed,
    connector: status,
    connectOffset,
    offset:
      offsets === undefined
        ? undefined
        : connectOffset === undefined
          ? 'none'
          : isOfSnapshot(connectOffset) && !isOfIncremental(connectOffset)
            ? 'snapshot'
            : kind.acknowledgedPosition(connectOffset) === undefined
              ? 'begun'
              : 'streaming',
    loss,
    changeEnds: await changeEnds(watched).catch(() => undefined),
  };
};
