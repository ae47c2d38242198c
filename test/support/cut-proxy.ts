/**
 * A TCP proxy before a server of any protocol whose connections are cut at the next thing that is asked, and that takes no new
 * ones for a while after.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface CutProxy {
  /** host:port */
  readonly address: string;
  /**
   * At the next request, before it reaches the server, right after it was sent, or when the server answers, every connection is lost;
   * for so long none is taken.
   */
  cut(where: 'before' | 'sent' | 'answered', forMs: number): void;
  /** Nothing is cut any more. */
  heal(): void;
  close(): Promise<void>;
}

/** `server`: host:port. Begins to listen on a free loopback port. */
export const startCutProxy = async (server: string): Promise<CutProxy> => {
  const [host = '', port = ''] = server.split(':');
  const pairs = new Map<Socket, Socket>();
  let next: { readonly where: 'before' | 'sent' | 'answered'; readonly forMs: number } | null = null;
  let refusing: NodeJS.Timeout | undefined;

  const part = (forMs: number): void => {
    clearTimeout(refusing);
    refusing = setTimeout(() => {
      refusing = undefined;
    }, forMs);
    for (const [client, upstream] of pairs) {
      client.destroy();
      // What was sent still reaches the server.
      upstream.end();
    }
  };

  const listening = createServer((client) => {
    client.on('error', () => undefined);
    if (refusing) return void client.destroy();
    const upstream = connect(Number(port), host);
    pairs.set(client, upstream);
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    upstream.on('error', () => undefined);
    upstream.on('close', () => client.destroy());
    client.on('close', () => {
      pairs.delete(client);
      upstream.end();
    });
    let withheldForMs: number | null = null;
    client.on('data', (piece) => {
      const cut = next;
      next = null;
      if (cut?.where === 'before') return part(cut.forMs);
      if (cut?.where === 'answered') withheldForMs = cut.forMs;
      upstream.write(piece, () => cut?.where === 'sent' && part(cut.forMs));
    });
    upstream.on('data', (piece) => {
      if (withheldForMs !== null) return part(withheldForMs);
      client.write(piece);
    });
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const at = listening.address();

  const heal = (): void => {
    next = null;
    clearTimeout(refusing);
    refusing = undefined;
  };
  return {
    address: `127.0.0.1:${typeof at === 'object' && at ? at.port : 0}`,
    cut: (where, forMs) => {
      next = { where, forMs };
    },
    heal,
    close: async () => {
      heal();
      for (const sockets of pairs) for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listening.close(resolve));
    },
  };
};
