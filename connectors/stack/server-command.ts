import type { ReadyProbe } from './ready-probe.ts';
import type { Environment, ServerName } from './stack-event.ts';

/** How one server is run. Times in milliseconds. */
export type ServerCommand = {
  readonly name: ServerName;
  readonly command: string;
  readonly argv0?: string;
  readonly arguments: readonly string[];
  readonly directory: string;
  readonly environment: Environment;
  readonly account?: { readonly uid: number; readonly gid: number };
  readonly logFile: string;
  readonly ports: readonly number[];
  readonly isReady: ReadyProbe;
  readonly readyDeadlineMs: number;
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  readonly stopDeadlineMs: number;
  /** Runs after an exit that was asked for and came in time. */
  readonly afterCleanStop?: () => Promise<void>;
};
