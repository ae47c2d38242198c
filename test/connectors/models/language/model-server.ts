/** A local HTTP server whose requests are answered by scripts, one after the other: what the protocols of models are spoken on. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it reached the server. */
export type SeenRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly authorization: string | undefined;
  readonly body: Record<string, unknown>;
  /** Set when the client hung up before the response ended. */
  aborted: boolean;
};

export type Script = (response: ServerResponse) => void | Promise<void>;

export const startModelServer = async () => {
  const seen: SeenRequest[] = [];
  const scripts: Script[] = [];
  const server: Server = createServer(async (request, response) => {
    const entry: SeenRequest = {
      path: request.url ?? '',
      headers: request.headers,
      authorization: request.headers.authorization,
      body: await readBody(request),
      aborted: false,
    };
    seen.push(entry);
    response.on('close', () => {
      entry.aborted = !response.writableFinished;
    });
    await scripts.shift()?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    next: (...more: readonly Script[]) => void scripts.push(...more),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const readBody = async (request: IncomingMessage): Promise<Record<string, unknown>> => {
  let text = '';
  for await (const part of request) text += part;
  return JSON.parse(text) as Record<string, unknown>;
};
