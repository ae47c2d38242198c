import type { StackPorts } from './ports.ts';
import { POSTGRES_USER } from './servers/postgres-server.ts';

/** Where the servers of a stack are, whoever runs them. */
export type StackAddresses = {
  /** host:port */
  readonly kafka: string;
  /** Base URL; Confluent's API is at /apis/ccompat/v7, Apicurio's at /apis/registry/v2. */
  readonly schemaRegistry: string;
  readonly connect: string;
  readonly redis: string;
  readonly postgres: {
    /** Of the superuser, database `postgres`. */
    readonly url: string;
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
  };
  readonly modelDirectory: string;
  readonly ports: StackPorts;
};

export const stackAddresses = (options: {
  readonly ports: StackPorts;
  readonly postgresPassword: string;
  readonly modelDirectory: string;
}): StackAddresses => {
  const { ports, postgresPassword: password, modelDirectory } = options;
  return {
    kafka: `127.0.0.1:${ports.kafka}`,
    schemaRegistry: `http://127.0.0.1:${ports.schemaRegistry}`,
    connect: `http://127.0.0.1:${ports.connect}`,
    redis: `redis://127.0.0.1:${ports.redis}`,
    postgres: {
      url: `postgres://${POSTGRES_USER}:${password}@127.0.0.1:${ports.postgres}/postgres`,
      ...{ host: '127.0.0.1', port: ports.postgres, user: POSTGRES_USER, password },
    },
    modelDirectory,
    ports,
  };
};
