import { createServer } from 'node:net';
import { FreshetError } from '../../schemas/errors.ts';

/** The loopback ports of a stack. Kafka's controller has one of its own. */
export type StackPorts = {
  readonly kafka: number;
  readonly kafkaController: number;
  readonly schemaRegistry: number;
  readonly connect: number;
  readonly postgres: number;
  readonly redis: number;
  readonly mariadb: number;
};

/** Beside each server's well-known port, so that a server that already runs on the machine is not in the way. */
export const DEFAULT_PORTS: StackPorts = {
  kafka: 19092,
  kafkaController: 19093,
  schemaRegistry: 18081,
  connect: 18083,
  postgres: 15432,
  redis: 16379,
  mariadb: 13306,
};

/** Ports that were free a moment ago, each another one. */
export const freePorts = async (): Promise<StackPorts> => {
  // All are held open until the last is known: a port given back at once might be handed out twice.
  const held = await Promise.all(Object.keys(DEFAULT_PORTS).map(() => listen(0)));
  const [kafka, kafkaController, schemaRegistry, connect, postgres, redis, mariadb] = held.map(
    ({ port }) => port,
  );
  await Promise.all(held.map(({ close }) => close()));
  if (!kafka || !kafkaController || !schemaRegistry || !connect || !postgres || !redis || !mariadb) {
    throw new FreshetError(
      'port-in-use',
      'No free ports were found on 127.0.0.1: close some programs and try again.',
    );
  }
  return { kafka, kafkaController, schemaRegistry, connect, postgres, redis, mariadb };
};

/** Throws `port-in-use` when something listens on one of these ports of 127.0.0.1, `usage` for one that this account may not use. */
export const checkPorts = async (server: string, ports: readonly number[]): Promise<void> => {
  for (const port of ports) await tryPort(port, server);
};

/** Binds a port of 127.0.0.1 and lets it go; 0 picks one. Errors: `port-in-use` or `usage`, naming who needs it. */
export const tryPort = async (wanted: number, who: string): Promise<number> => {
  try {
    const { port, close } = await listen(wanted);
    await close();
    return port;
  } catch (cause) {
    throw portError(wanted, who, cause);
  }
};

/** Why nobody can listen on a port of 127.0.0.1, where that is known. Pure. */
const portError = (port: number, who: string, cause: unknown): unknown => {
  const { code } = cause as NodeJS.ErrnoException;
  const needed = `port ${port} on 127.0.0.1, needed by ${who},`;
  if (code === 'EADDRINUSE')
    return new FreshetError(
      'port-in-use',
      `${needed} is in use: stop the program that listens there, or start with --ports free`,
      { cause },
    );
  if (code === 'EACCES')
    return new FreshetError('usage', `${needed} is one that this account may not use: name one above 1023`, {
      cause,
    });
  return cause;
};

const listen = (port: number): Promise<{ readonly port: number; readonly close: () => Promise<void> }> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const bound = address !== null && typeof address === 'object' ? address.port : port;
      resolve({ port: bound, close: () => new Promise((closed) => server.close(() => closed())) });
    });
  });
