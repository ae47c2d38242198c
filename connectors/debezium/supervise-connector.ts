import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectApi } from './connect-api.ts';
import {
  type ConnectorHealth,
  type ConnectorObservation,
  type ConnectorWatch,
  decideConnector,
  NEW_WATCH,
} from './connector-health-state.ts';

export type SuperviseOptions = {
  readonly connect: Pick<ConnectApi, 'status' | 'restartFailed'>;
  readonly connector: string;
  /** How often the status is asked for. Default 1000. */
  readonly everyMs?: number;
  /** Told at the first look and at each change; `restarting` says that a restart was just asked for. */
  readonly onHealth: (health: ConnectorHealth, restarting: boolean) => void;
};

export type ConnectorSupervision = {
  readonly health: () => ConnectorHealth | undefined;
  /** Resolves when the last look is over. */
  readonly stop: () => Promise<void>;
};

/**
 * Looks at a connector again and again and restarts what FAILED, with backoff: Connect itself leaves a failed task as it
 * is, silently. Goes on while Connect is away; never throws.
 */
export const superviseConnector = (options: SuperviseOptions): ConnectorSupervision => {
  const stopped = new AbortController();
  let watch: ConnectorWatch = NEW_WATCH;

  const observe = async (): Promise<ConnectorObservation> => {
    try {
      return (await options.connect.status(options.connector)) ?? 'missing';
    } catch {
      return 'unreachable';
    }
  };

  const look = async (): Promise<void> => {
    const decision = decideConnector(watch, await observe(), performance.now());
    watch = decision.watch;
    if (watch.health !== undefined && (decision.changed || decision.restart)) {
      options.onHealth(watch.health, decision.restart);
    }
    // A restart that doesn't get through is asked for again at its next turn.
    if (decision.restart) await options.connect.restartFailed(options.connector).catch(() => undefined);
  };

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await look();
      await delay(options.everyMs ?? 1000, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    health: () => watch.health,
    stop: () => {
      stopped.abort();
      return running;
    },
  };
};
