/** Loopback ports of the roles: fixed ones that people can remember, or free ones beside another Freshet. */
import { createServer } from 'node:net';
import { portError } from '../../connectors/stack/ports.ts';

export interface RolePorts {
  readonly gateway: number;
  readonly index: number;
  readonly pipeline: number;
  readonly agents: number;
}

export const DEFAULT_ROLE_PORTS: RolePorts = { gateway: 7400, index: 7401, pipeline: 7402, agents: 7403 };

/** Binds a port of 127.0.0.1 and lets it go; 0 picks one. Errors: `port-in-use` or `usage`, naming who needs it. */
const tryPort = (port: number, who: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (cause) => reject(portError(port, `the ${who}`, cause)));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address ? address.port : port;
      server.close(() => resolve(bound));
    });
  });

export const rolePorts = async (free: boolean, gateway: number | undefined): Promise<RolePorts> => {
  const wanted = free
    ? { gateway: gateway ?? 0, index: 0, pipeline: 0, agents: 0 }
    : { ...DEFAULT_ROLE_PORTS, gateway: gateway ?? DEFAULT_ROLE_PORTS.gateway };
  const [gatewayPort, index, pipeline, agents] = await Promise.all([
    tryPort(wanted.gateway, 'gateway'),
    tryPort(wanted.index, 'index role'),
    tryPort(wanted.pipeline, 'pipeline role'),
    tryPort(wanted.agents, 'agents role'),
  ]);
  return { gateway: gatewayPort, index, pipeline, agents };
};
