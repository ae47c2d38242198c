import type { Connection } from 'mariadb';
import { probeTable } from '../../../schemas/probe.ts';
import type { SourceClock } from '../source-clock.ts';
import { unavailable } from './mariadb-connection.ts';
import { openMariaDbSession } from './mariadb-session.ts';

/** Positions are of the binlog's end, which stands still while the server is quiet: then all of it has been read. */
export const openMariaDbClock = (url: string): SourceClock => {
  const session = openMariaDbSession(url);
  const ask = <T>(action: (connection: Connection) => Promise<T>): Promise<T> =>
    session.ask(action).catch((thrown: unknown) => {
      throw unavailable(thrown);
    });
  return {
    moment: () =>
      ask(async (connection) => {
        // The clock before the place: what was committed before the one is at or before the other.
        const [time] = await connection.query<{ at: string }[]>(
          'select cast(unix_timestamp(now(6)) * 1000000 as char) as at',
        );
        const [end] = await connection.query<{ File: string; Position: bigint }[]>('show master status');
        return {
          position: end ? `${end.File}:${end.Position}` : '',
          sourceAt: Math.round(Number(time?.at ?? 0)),
        };
      }),
    writeProbe: (source, tick) =>
      ask(async (connection) => {
        await connection.query(
          `insert into ${probeTable(source)} (id, tick) values (1, ?) on duplicate key update tick = values(tick)`,
          [tick],
        );
      }),
    close: () => session.close(),
  };
};
