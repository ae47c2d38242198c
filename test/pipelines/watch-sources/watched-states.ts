import type { ConnectorStatus } from '../../../connectors/debezium/connect-api.ts';
import type { ObservedSource } from '../../../connectors/sources/source-kind.ts';
import type { SourceSeen } from '../../../pipelines/watch-sources/source-watch-state.ts';
import { newTable } from '../../../pipelines/watch-sources/table-changes.ts';
import type { SourceState } from '../../../schemas/records.ts';
import { makeVersion } from '../../../schemas/version.ts';

export const OBSERVED: ObservedSource = {
  identity: 'one',
  heldFrom: '0/100',
  discarded: false,
  end: '0/200',
  retainedBytes: 7,
};

export const RUNNING: ConnectorStatus = {
  name: 'c',
  connector: { state: 'RUNNING', worker_id: 'w' },
  tasks: [{ id: 0, state: 'RUNNING', worker_id: 'w' }],
};

/** A look at a source with which all is well. */
export const seen = (over: Partial<SourceSeen> = {}): SourceSeen => ({
  observed: OBSERVED,
  connector: RUNNING,
  offset: 'streaming',
  loss: undefined,
  changeEnds: [5, 5],
  ...over,
});

/** A source that streams under epoch 3, with two live tables. */
export const stateOf = (over: Partial<SourceState> = {}): SourceState => ({
  source: 's',
  epoch: 3,
  state: 'streaming',
  reason: null,
  identity: 'one',
  tables: ['public.a', 'public.b'].map((table) => ({ ...newTable(table, 1), state: 'live' })),
  retainedWalBytes: null,
  updatedAt: 1,
  connector: 'running',
  restarts: 0,
  swept: makeVersion(3, [0n, 5n]),
  epochFrom: [],
  changeEnds: [5, 4],
  handled: 0,
  ...over,
});
