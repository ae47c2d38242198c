import pg from 'pg';
import { FreshetError, toError } from '../../../schemas/errors.ts';
import { probeTable } from '../../../schemas/probe.ts';
import type { SourceClock } from '../source-clock.ts';

const CONNECT_WITHIN_MS = 3_000;
const ANSWER_WITHIN_MS = 5_000;
/** From this version on a logical message can be flushed at once; before it the log's writer takes up to 200 ms. */
const FLUSHES_SINCE = 170_000;

/**
 * The same message as the connector's own heartbeat, so that Debezium passes it on. It is not transactional: it needs no
 * commit, and its own position is one that the connector reports.
 */
const momentQuery = (flushes: boolean): string => `
  select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as at,
         pg_logical_emit_message(false, 'freshet-heartbeat', ''${flushes ? ', true' : ''})::text as position`;

export const openPostgresClock = (url: string): SourceClock => {
  let connected: Promise<{ readonly client: pg.Client; readonly query: string }> | undefined;

  const connect = async () => {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
      application_name: 'freshet-clock',
    });
    client.on('error', () => {
      connected = undefined;
    });
    await client.connect();
    const { rows } = await client.query<{ version: string }>(
      `select current_setting('server_version_num') as version`,
    );
    return { client, query: momentQuery(Number(rows[0]?.version ?? 0) >= FLUSHES_SINCE) };
  };

  const ask = async <T>(
    action: (connection: { readonly client: pg.Client; readonly query: string }) => Promise<T>,
  ): Promise<T> => {
    connected ??= connect();
    const mine = connected;
    try {
      return await action(await mine);
    } catch (thrown) {
      // Whatever it was, the next question begins with a connection of its own.
      if (connected === mine) connected = undefined;
      mine.then(({ client }) => client.end()).catch(() => undefined);
      const error = toError(thrown);
      throw new FreshetError('source-unavailable', `the source database does not answer: ${error.message}`, {
        cause: error,
      });
    }
  };

  return {
    moment: () =>
      ask(async ({ client, query }) => {
        const { rows } = await client.query<{ at: string; position: string }>(query);
        return { position: rows[0]?.position ?? '', sourceAt: Number(rows[0]?.at ?? 0) };
      }),
    writeProbe: (source, tick) =>
      ask(async ({ client }) => {
        await client.query(
          `insert into ${probeTable(source)} (id, tick) values (1, $1)
           on conflict (id) do update set tick = excluded.tick`,
          [tick],
        );
      }),
    close: async () => {
      const last = connected;
      connected = undefined;
      await last?.then(({ client }) => client.end()).catch(() => undefined);
    },
  };
};
