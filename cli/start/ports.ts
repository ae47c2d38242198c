/** Loopback ports of the roles: fixed ones that people can remember, or free ones beside another Freshet. */
import { tryPort } from '../../connectors/stack/ports.ts';

export interface RolePorts {
  readonly gateway: number;
  readonly index: number;
  readonly pipeline: number;
  readonly agents: number;
}

export const DEFAULT_ROLE_PORTS: RolePorts = { gateway: 7400, index: 7401, pipeline: 7402, agents: 7403 };

export const rolePorts = async (free: boolean, gateway: number | undefined): Promise<RolePorts> => {
  const wanted = free
    ? { gateway: gateway ?? 0, index: 0, pipeline: 0, agents: 0 }
    : { ...DEFAULT_ROLE_PORTS, gateway: gateway ?? DEFAULT_ROLE_PORTS.gateway };
  const [gatewayPort, index, pipeline, agents] = await Promise.all([
    tryPort(wanted.gateway, 'the gateway'),
    tryPort(wanted.index, 'the index role'),
    tryPort(wanted.pipeline, 'the pipeline role'),
    tryPort(wanted.agents, 'the agents role'),
  ]);
  return { gateway: gatewayPort, index, pipeline, agents };
};
