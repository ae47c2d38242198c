/**
 * A TCP proxy before a Kafka broker that cuts connections at produce requests and commits, or holds those back. It reads
 * just enough of the protocol: the frames, which request is which, and where answers tell of the broker's address, which it
 * replaces by its own.
 */
import { connect, createServer, type Socket } from 'node:net';

/**
 * Where to cut: before the request reaches the broker, right after it was sent, or when the broker has answered. `held`
 * never reaches it, and the connection stays. `unplaced` cuts nothing: the answer comes without the offset of what was
 * written.
 */
export type Cut = 'none' | 'before' | 'sent' | 'answered' | 'held' | 'unplaced';
export type Request = 'produce' | 'commit';

export interface TcpProxy {
  /** host:port */
  readonly address: string;
  readonly cuts: () => Readonly<Record<Cut, number>>;
  close(): Promise<void>;
}

const REQUESTS: ReadonlyMap<number, Request> = new Map([
  [0, 'produce'],
  [8, 'commit'],
]);
/** Metadata and FindCoordinator: their answers hold addresses. */
const TELLS_ADDRESSES: ReadonlySet<number> = new Set([3, 10]);

/** Hands out whole frames (a length and as many bytes) as they come together. */
const frames = (onFrame: (frame: Buffer) => void): ((piece: Buffer) => void) => {
  let held = Buffer.alloc(0);
  return (piece) => {
    held = Buffer.concat([held, piece]);
    while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
      const end = 4 + held.readUInt32BE(0);
      onFrame(held.subarray(0, end));
      held = held.subarray(end);
    }
  };
};

const endpoint = (host: string, port: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(port);
  return Buffer.concat([Buffer.from(host), bytes]);
};

/** A produce answer about one partition, its offset left unsaid (-1). */
const withoutPlace = (frame: Buffer): Buffer => {
  const copy = Buffer.from(frame);
  // Length, correlation, count of topics; name of the topic; count of partitions, partition, error.
  copy.writeBigInt64BE(-1n, 12 + 2 + frame.readInt16BE(12) + 4 + 4 + 2);
  return copy;
};

/**
 * Begins to listen on a loopback port, a free one unless given. `decide` is asked at every produce request and every
 * commit; the names and values of records stand in its frame as they are.
 */
export const startTcpProxy = async (
  broker: string,
  decide: (request: Request, frame: Buffer) => Cut,
  onPort = 0,
): Promise<TcpProxy> => {
  const [host = '', port = ''] = broker.split(':');
  const cuts: Record<Cut, number> = { none: 0, before: 0, sent: 0, answered: 0, held: 0, unplaced: 0 };
  const sockets = new Set<Socket>();
  let own = 0;

  const readdressed = (frame: Buffer): Buffer => {
    const theirs = endpoint(host, Number(port));
    const copy = Buffer.from(frame);
    for (let at = copy.indexOf(theirs); at >= 0; at = copy.indexOf(theirs, at + 1))
      endpoint(host, own).copy(copy, at);
    return copy;
  };

  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    const asked = new Map<number, number>();
    let withheld: number | undefined;
    const unplaced = new Set<number>();
    const part = (): void => {
      client.destroy();
      upstream.end();
    };
    client.on('close', () => upstream.end());
    upstream.on('close', () => client.destroy());
    client.on(
      'data',
      frames((frame) => {
        const correlation = frame.readInt32BE(8);
        const api = frame.readInt16BE(4);
        asked.set(correlation, api);
        const request = REQUESTS.get(api);
        const cut = request ? decide(request, frame) : 'none';
        if (request) cuts[cut] += 1;
        if (cut === 'held') return;
        if (cut === 'before') return part();
        if (cut === 'answered') withheld = correlation;
        if (cut === 'unplaced') unplaced.add(correlation);
        upstream.write(frame, () => cut === 'sent' && part());
      }),
    );
    upstream.on(
      'data',
      frames((frame) => {
        const correlation = frame.readInt32BE(4);
        if (correlation === withheld) return part();
        const api = asked.get(correlation) ?? -1;
        asked.delete(correlation);
        if (unplaced.delete(correlation)) client.write(withoutPlace(frame));
        else client.write(TELLS_ADDRESSES.has(api) ? readdressed(frame) : frame);
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(onPort, '127.0.0.1', resolve));
  const at = server.address();
  own = typeof at === 'object' && at ? at.port : 0;
  return {
    address: `127.0.0.1:${own}`,
    cuts: () => ({ ...cuts }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
