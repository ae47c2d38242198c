/**
 * What a chaos run does, made of its seed alone: which tasks come when, and which faults strike which process when. The same
 * seed gives the same plan; what the processes make of it depends on the machine. Pure.
 */

/** One thing that an agent is to do. `post` takes the idempotency key, `stamp` does not, `look` only reads. */
export type Deed = 'look' | 'post' | 'stamp';

export interface PlannedTask {
  readonly taskId: string;
  /** After the load began. */
  readonly atMs: number;
  readonly sessionId: string | null;
  /** One tool call each, in this order; then the answer. */
  readonly deeds: readonly Deed[];
  /** How long each model call and each deed takes outside. */
  readonly modelMs: number;
  readonly deedMs: number;
  /** Its own cap, exact decimal in US dollars; null: the agent's. */
  readonly maxUsd: string | null;
}

export type Fault =
  | { readonly kind: 'kill'; readonly process: string; readonly backAfterMs: number }
  /** SIGSTOP, and SIGCONT after longer than its session lasts: a zombie. */
  | { readonly kind: 'stop'; readonly process: string; readonly forMs: number }
  /** The next so many produce requests of a worker lose their connection: before, right after sending, or at the answer. */
  | {
      readonly kind: 'cut';
      readonly process: string;
      readonly requests: number;
      readonly where: 'before' | 'sent' | 'answered';
    }
  | { readonly kind: 'restart-broker' };

export interface PlannedFault {
  /** After the load began. */
  readonly atMs: number;
  readonly fault: Fault;
}

export interface ChaosPlan {
  readonly seed: number;
  readonly tasks: readonly PlannedTask[];
  readonly faults: readonly PlannedFault[];
  /** No fault strikes after this, and all that is stopped or dead is back. */
  readonly healMs: number;
}

export interface ChaosTerms {
  readonly seed: number;
  /** Load and faults; healing and the end come after it. */
  readonly forMs: number;
  readonly workers: readonly string[];
  /** Killed too, now and then: projecting again must change nothing. */
  readonly projection: string;
  readonly sessionTimeoutMs: number;
  readonly tasksPerSecond: number;
  /** False where the broker is shared with others. */
  readonly restartBroker: boolean;
}

/** Numbers in [0, 1) that follow from a seed alone (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Of a worker, drawn without laying back: a run of any length strikes with every kind before it repeats one. */
const KINDS = ['kill', 'stop', 'cut', 'kill', 'restart-broker', 'cut', 'kill-projection'] as const;
const FIRST_FAULT_MS = 2_000;
/** How long a broker takes to come back, about: the next is killed later than that. */
const BROKER_MS = 12_000;
const GAP_MS = { least: 1_200, most: 3_600 };
/** Of a session, between the return of a process and its next fault. */
const RECOVERY_SHARE = 0.25;
/** Twice what one model call of the agent reserves, so that some tasks end at their cap. */
const TIGHT_USD = '0.02';

export const planChaos = (terms: ChaosTerms): ChaosPlan => ({
  seed: terms.seed,
  tasks: planTasks(terms),
  faults: planFaults(terms),
  healMs: terms.forMs,
});

const between = (random: () => number, least: number, most: number): number =>
  Math.round(least + random() * (most - least));

const pick = <Of>(random: () => number, from: readonly [Of, ...Of[]]): Of =>
  from[Math.floor(random() * from.length)] ?? from[0];

const planTasks = ({ seed, forMs, tasksPerSecond }: ChaosTerms): readonly PlannedTask[] => {
  const random = seeded(seed);
  const count = Math.max(1, Math.round((forMs / 1_000) * tasksPerSecond));
  return Array.from({ length: count }, (_, at) => ({
    taskId: `chaos-${seed}-${at}`,
    atMs: Math.round((at / count) * forMs),
    sessionId: random() < 0.25 ? `session-${Math.floor(random() * 10)}` : null,
    deeds: Array.from({ length: between(random, 1, 4) }, () =>
      pick<Deed>(random, ['look', 'post', 'post', 'stamp']),
    ),
    modelMs: between(random, 20, 700),
    deedMs: between(random, 20, 500),
    maxUsd: random() < 0.15 ? TIGHT_USD : null,
  }));
};

const planFaults = (terms: ChaosTerms): readonly PlannedFault[] => {
  const { seed, forMs, workers, sessionTimeoutMs } = terms;
  const random = seeded(seed ^ 0x5eed);
  const free = new Map(workers.map((worker) => [worker, 0]));
  const faults: PlannedFault[] = [];
  let bag: (typeof KINDS)[number][] = [];
  let brokerBackMs = 0;
  for (let atMs = FIRST_FAULT_MS; ; atMs += between(random, GAP_MS.least, GAP_MS.most)) {
    if (bag.length === 0) bag = shuffled(random, KINDS);
    const kind = bag.pop();
    // One that is dead or stopped is left alone until it is back.
    const standing = workers.filter((worker) => (free.get(worker) ?? 0) <= atMs);
    const [first, ...others] = standing;
    const worker = first === undefined ? undefined : pick(random, [first, ...others]);
    const found = faultOf(kind, worker, terms, random);
    if (atMs >= forMs) return faults;
    if (!found) continue;
    const { fault, lastsMs } = found;
    if (atMs + lastsMs > forMs || (fault.kind === 'restart-broker' && atMs < brokerBackMs)) continue;
    faults.push({ atMs, fault });
    if (fault.kind === 'restart-broker') brokerBackMs = atMs + lastsMs;
    else free.set(fault.process, atMs + lastsMs + RECOVERY_SHARE * sessionTimeoutMs);
  }
};

const faultOf = (
  kind: (typeof KINDS)[number] | undefined,
  worker: string | undefined,
  { projection, sessionTimeoutMs, restartBroker }: ChaosTerms,
  random: () => number,
): { readonly fault: Fault; readonly lastsMs: number } | null => {
  if (kind === 'restart-broker')
    return restartBroker ? { fault: { kind: 'restart-broker' }, lastsMs: BROKER_MS } : null;
  const backAfterMs = between(random, 200, 2_500);
  if (kind === 'kill-projection')
    return { fault: { kind: 'kill', process: projection, backAfterMs }, lastsMs: backAfterMs };
  if (worker === undefined) return null;
  if (kind === 'stop') {
    const forMs = sessionTimeoutMs + between(random, 1_500, 4_000);
    return { fault: { kind, process: worker, forMs }, lastsMs: forMs };
  }
  if (kind === 'cut') {
    const where = pick(random, ['before', 'sent', 'answered'] as const);
    return { fault: { kind, process: worker, requests: between(random, 1, 8), where }, lastsMs: 0 };
  }
  return { fault: { kind: 'kill', process: worker, backAfterMs }, lastsMs: backAfterMs };
};

const shuffled = <Of>(random: () => number, items: readonly Of[]): Of[] => {
  const left = [...items];
  const out: Of[] = [];
  while (left.length > 0) out.push(...left.splice(Math.floor(random() * left.length), 1));
  return out;
};
