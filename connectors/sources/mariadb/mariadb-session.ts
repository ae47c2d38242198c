import type { Connection } from 'mariadb';
import { ASK_MS, connectMariaDb, withinTime } from './mariadb-connection.ts';

/** One connection that is opened by the first question, and anew by the next one after a question that failed. */
export interface MariaDbSession {
  /** Errors: `source-unavailable` where it cannot connect or takes too long, and whatever the action throws. */
  ask<T>(action: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export const openMariaDbSession = (url: string, withinMs = ASK_MS): MariaDbSession => {
  let connected: Promise<Connection> | undefined;
  return {
    ask: async (action) => {
      connected ??= connectMariaDb(url);
      const mine = connected;
      try {
        return await withinTime(await mine, withinMs, action);
      } catch (thrown) {
        if (connected === mine) connected = undefined;
        mine.then((connection) => connection.end()).catch(() => undefined);
        throw thrown;
      }
    },
    close: async () => {
      const last = connected;
      connected = undefined;
      await last?.then((connection) => connection.end()).catch(() => undefined);
    },
  };
};
