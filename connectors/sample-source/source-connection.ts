import { Socket } from 'node:net';
import { Client } from 'pg';
import { FreshetError, toError } from '../../schemas/errors.ts';

/** How long one attempt to connect, and one statement, may take before the source counts as gone, in milliseconds. */
const CONNECT_LIMIT = 5_000;
const STATEMENT_LIMIT = 10_000;
const CLOSE_LIMIT = 1_000;

export type SourceConnection = { readonly client: Client; close(): Promise<void> };

/** The one error of this folder: the database did not do what was asked. Keeps the cause. */
export const sourceUnavailable = (doing: string, thrown: unknown): FreshetError =>
  new FreshetError(
    'source-unavailable',
    `${doing} failed: ${toError(thrown).message || 'no connection'}. Check that Postgres runs and that the url is right.`,
    { cause: thrown },
  );

/**
 * Opens a connection that cannot hang: connecting, each statement and closing have a limit, and the signal cuts it,
 * which rejects what is in flight. `close` never throws.
 * Throws `source-unavailable`.
 */
export const connectToSource = async (url: string, signal?: AbortSignal): Promise<SourceConnection> => {
  const socket = new Socket();
  const cut = (): unknown => socket.destroy();
  signal?.addEventListener('abort', cut);
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_LIMIT,
    query_timeout: STATEMENT_LIMIT,
    application_name: 'freshet-sample-source',
    stream: () => socket,
  });
  // A lost connection rejects the statement in flight; without a listener it would end the process as well.
  client.on('error', () => undefined);
  socket.on('error', () => undefined);
  try {
    await client.connect();
  } catch (thrown) {
    signal?.removeEventListener('abort', cut);
    socket.destroy();
    throw sourceUnavailable('Connecting to the sample source', thrown);
  }
  const close = async (): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_LIMIT);
    });
    await Promise.race([client.end().catch(() => undefined), limit]);
    clearTimeout(timer);
    signal?.removeEventListener('abort', cut);
    socket.destroy();
  };
  return { client, close };
};
