/** The servers that can be run natively, in no order: they start in parallel. */
export const SERVER_NAMES = ['kafka', 'schemaRegistry', 'connect', 'postgres', 'redis', 'mariadb'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

/** What Freshet itself runs on. MariaDB is only ever somebody's source: tests and trials ask for it by name. */
export const USUAL_SERVERS: readonly ServerName[] = SERVER_NAMES.filter((name) => name !== 'mariadb');

/**
 * One thing that happened while the stack prepares, for whoever shows progress. `ms` is counted from the start of that
 * part, so the `ready` event of a server says how long it took.
 */
export type StackEvent = {
  readonly part: ServerName | 'prerequisites' | 'artifacts';
  readonly state: 'installing' | 'starting' | 'ready' | 'stopping' | 'stopped' | 'died';
  readonly ms: number;
  readonly detail?: string;
};

export type OnStackEvent = (event: StackEvent) => void;

/** The environment of the process that starts the stack (PATH, HOME, JAVA_HOME, proxies): handed in, never read here. */
export type Environment = Readonly<Record<string, string | undefined>>;
