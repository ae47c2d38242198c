/** Strikes with one fault of the plan; resolves when what it killed or stopped is back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../schemas/errors.ts';
import type { Fault } from './chaos-plan.ts';
import type { ChaosProcesses } from './chaos-processes.ts';
import type { Link } from './links.ts';

/** What of the servers a fault reaches. */
export interface StruckServers {
  readonly killRedis: () => Promise<void>;
  readonly startRedis: () => Promise<void>;
  /** Kills the broker and starts it again. Left out where others use it too. */
  readonly restartBroker?: () => Promise<void>;
}

export const strike = async (
  fault: Fault,
  of: {
    readonly servers: StruckServers;
    readonly processes: ChaosProcesses;
    readonly links: ReadonlyMap<string, Link>;
  },
): Promise<void> => {
  switch (fault.kind) {
    case 'kill':
      return of.processes.kill(fault.process, fault.backAfterMs);
    case 'stop':
      return of.processes.stop(fault.process, fault.forMs);
    case 'cut':
      return of.links.get(fault.process)?.cutKafka(fault.requests, fault.where);
    case 'cut-redis':
      return of.links.get(fault.process)?.cutRedis(fault.where, fault.forMs);
    case 'kill-redis':
      return restartRedis(of.servers, fault.backAfterMs);
    case 'restart-broker':
      return of.servers.restartBroker?.().catch((thrown: unknown) => {
        throw new Error(`the broker did not come back: ${toError(thrown).message}`);
      });
    default:
      return fault satisfies never;
  }
};

export const restartRedis = async (servers: StruckServers, backAfterMs: number): Promise<void> => {
  await servers.killRedis();
  await sleep(backAfterMs);
  await servers.startRedis();
};
