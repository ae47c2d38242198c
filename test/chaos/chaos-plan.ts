/** What a chaos run is to do: tasks and faults, and on what terms they are planned. Times in milliseconds after the load began. */

/** One thing that an agent is to do. `post` takes the idempotency key, `stamp` does not, `look` only reads. */
export type Deed = 'look' | 'post' | 'stamp';

/** `chaos` keeps sessions; `thrifty` has a budget of the day that its tasks together do not fit into. */
export type ChaosAgentName = 'chaos' | 'thrifty';

export interface PlannedTask {
  readonly taskId: string;
  readonly atMs: number;
  readonly agent: ChaosAgentName;
  /** Appended to Kafka as it is, or posted to the gateway with its id as the idempotency key. */
  readonly via: 'kafka' | 'gateway';
  /** So long after it was answered the same is posted once more; null: it is not. */
  readonly againAfterMs: number | null;
  /** Of the last look at what is remembered (roll-call.ts). */
  readonly rollCall: boolean;
  readonly sessionId: string | null;
  /** One tool call each, in this order; then the answer. */
  readonly deeds: readonly Deed[];
  /** How long each model call and each deed takes outside. */
  readonly modelMs: number;
  readonly deedMs: number;
  /** Its own cap, exact decimal in US dollars; null: the agent's. */
  readonly maxUsd: string | null;
}

/** Before the request reaches the server, right after it was sent, or at the answer. */
export type CutAt = 'before' | 'sent' | 'answered';

export type Fault =
  | { readonly kind: 'kill'; readonly process: string; readonly backAfterMs: number }
  /** SIGSTOP, and SIGCONT after longer than its session lasts: a zombie. */
  | { readonly kind: 'stop'; readonly process: string; readonly forMs: number }
  /** The next so many produce requests of a process lose their connection. */
  | { readonly kind: 'cut'; readonly process: string; readonly requests: number; readonly where: CutAt }
  | { readonly kind: 'restart-broker' }
  /** It comes back knowing nothing. */
  | { readonly kind: 'kill-redis'; readonly backAfterMs: number }
  /** The next command of a worker loses all of its connections to Redis, and gets none for so long. */
  | { readonly kind: 'cut-redis'; readonly process: string; readonly where: CutAt; readonly forMs: number };

export interface PlannedFault {
  readonly atMs: number;
  readonly fault: Fault;
}

export interface ChaosPlan {
  readonly seed: number;
  readonly tasks: readonly PlannedTask[];
  readonly faults: readonly PlannedFault[];
  /** Of the thrifty agent, exact decimal in US dollars. */
  readonly dayUsd: string;
}

export interface ChaosTerms {
  readonly seed: number;
  /** Load and faults; healing and the end come after it. */
  readonly forMs: number;
  readonly workers: readonly string[];
  /** Killed too, now and then: projecting again must change nothing. */
  readonly projection: string;
  readonly gateway: string;
  readonly sessionTimeoutMs: number;
  readonly tasksPerSecond: number;
  /** False where the broker is shared with others. */
  readonly restartBroker: boolean;
}
