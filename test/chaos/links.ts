/** The ways of the processes of a chaos run to Kafka and to Redis, each through a proxy of its own, and what is to be cut on them. */
import { type CutProxy, startCutProxy } from '../support/cut-proxy.ts';
import { type Cut, startTcpProxy } from '../support/tcp-proxy.ts';
import type { CutAt } from './chaos-plan.ts';

export interface Link {
  /** host:port */
  readonly kafka: string;
  /** redis://host:port */
  readonly redis: string;
  /** Of its next so many produce requests the connection is lost. */
  cutKafka(requests: number, where: CutAt): void;
  /** At its next command all connections are lost; for so long none is made. */
  cutRedis(where: CutAt, forMs: number): void;
  heal(): void;
  close(): Promise<void>;
}

/** `broker`: host:port; `redis`: redis://host:port. By the names of the processes. */
export const openLinks = async (
  broker: string,
  redis: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Link>> =>
  new Map(await Promise.all(names.map(async (name) => [name, await openLink(broker, redis)] as const)));

const openLink = async (broker: string, redis: string): Promise<Link> => {
  let cuts = 0;
  let at: Cut = 'none';
  const kafka = await startTcpProxy(broker, (request) => {
    if (request !== 'produce' || cuts === 0) return 'none';
    cuts -= 1;
    return at;
  });
  const cache: CutProxy = await startCutProxy(new URL(redis).host);
  return {
    kafka: kafka.address,
    redis: `redis://${cache.address}`,
    cutKafka: (requests, where) => {
      cuts = requests;
      at = where;
    },
    cutRedis: cache.cut,
    heal: () => {
      cuts = 0;
      cache.heal();
    },
    close: async () => {
      await Promise.all([kafka.close(), cache.close()]);
    },
  };
};
