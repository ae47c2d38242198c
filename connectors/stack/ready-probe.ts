import { connect } from 'node:net';

/** Asks whether a server is ready. Never throws: what goes wrong means not yet. */
export type ReadyProbe = () => Promise<boolean>;

/** Ready when a GET is answered with 200 within a second. */
export const httpProbe =
  (url: string): ReadyProbe =>
  async () => {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
      await response.arrayBuffer();
      return response.status === 200;
    } catch {
      return false;
    }
  };

/**
 * Ready when the server's answer to what was sent is accepted: true or false decide, `undefined` waits for more bytes, at
 * most a second.
 */
export const socketProbe =
  (port: number, send: string | Uint8Array, accepts: (reply: Buffer) => boolean | undefined): ReadyProbe =>
  () =>
    new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' });
      let received = Buffer.alloc(0);
      const finish = (ready: boolean): void => {
        socket.destroy();
        resolve(ready);
      };
      socket.setTimeout(1000, () => finish(false));
      socket.on('error', () => finish(false));
      socket.on('close', () => finish(false));
      socket.on('connect', () => socket.write(send));
      socket.on('data', (bytes) => {
        received = Buffer.concat([received, bytes]);
        const accepted = accepts(received);
        if (accepted !== undefined) finish(accepted);
      });
    });
