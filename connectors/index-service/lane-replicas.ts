/** The lanes of several index replicas as one: it stands as far as the one that is furthest behind. */
import { FreshetError } from '../../schemas/errors.ts';
import { openIndexClient } from './index-client.ts';
import type { LaneService, LanesStatus } from './lane-service.ts';

/** Errors: `index-unavailable` without any. Pure. */
export const furthestBehind = (statuses: readonly LanesStatus[]): LanesStatus => {
  const [first] = statuses;
  if (!first) throw new FreshetError('index-unavailable', 'no index replica is configured');
  const { wanted, lanes } = first;
  return {
    wanted,
    answering: statuses.find(({ answering }) => answering !== wanted.serving)?.answering ?? wanted.serving,
    // A lane counts once every replica has opened it.
    lanes: lanes.flatMap((lane) => {
      const same = statuses.map((each) => each.lanes.find(({ model }) => model === lane.model));
      return same.includes(undefined)
        ? []
        : [{ ...lane, behind: Math.max(...same.map((each) => each?.behind ?? 0)) }];
    }),
  };
};

/** `addresses`: base URLs of replicas, separated by commas. Errors: those of the service, `index-unavailable` when any is silent. */
export const openLaneReplicas = (addresses: string): LaneService => {
  const clients = addresses.split(',').map((address) => openIndexClient(address.trim()));
  return {
    lanes: async () => furthestBehind(await Promise.all(clients.map((client) => client.lanes()))),
    measure: async (queries) => {
      const [first] = clients;
      if (!first) throw new FreshetError('index-unavailable', 'no index replica is configured');
      return first.measure(queries);
    },
  };
};
