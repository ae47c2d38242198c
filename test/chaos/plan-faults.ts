/** Which fault strikes what when, from the seed alone; nothing is struck while it is dead, stopped or cut off. Pure. */
import type { ChaosTerms, CutAt, Fault, PlannedFault } from './chaos-plan.ts';
import { between, pick, seeded, shuffled } from './seeded.ts';

/** Drawn without laying back: a run of any length strikes in every way before it repeats one. */
const KINDS = [
  'kill',
  'stop',
  'cut',
  'kill',
  'restart-broker',
  'kill-redis',
  'cut-redis',
  'kill-gateway',
  'cut-any',
  'kill-projection',
] as const;
type Kind = (typeof KINDS)[number];

const FIRST_FAULT_MS = 2_000;
/** How long a broker takes to come back, about: the next is killed later than that. */
const BROKER_MS = 12_000;
const GAP_MS = { least: 1_000, most: 3_000 };
/** Of a session, between the return of a process and its next fault. */
const RECOVERY_SHARE = 0.25;
const BROKER = 'the broker';
const REDIS = 'redis';

interface Strike {
  readonly fault: Fault;
  readonly lastsMs: number;
}

export const planFaults = (terms: ChaosTerms): readonly PlannedFault[] => {
  const { seed, forMs, restartBroker, sessionTimeoutMs } = terms;
  const kinds = KINDS.filter((kind) => restartBroker || kind !== 'restart-broker');
  const random = seeded(seed ^ 0x5eed);
  const freeAt = new Map<string, number>();
  const faults: PlannedFault[] = [];
  let bag: Kind[] = [];
  for (let atMs = FIRST_FAULT_MS; atMs < forMs; atMs += between(random, GAP_MS.least, GAP_MS.most)) {
    if (bag.length === 0) bag = shuffled(random, kinds);
    const isFree = (name: string): boolean => (freeAt.get(name) ?? 0) <= atMs;
    const struck = strikeOf(bag.pop(), terms, isFree, random);
    if (!struck || atMs + struck.lastsMs > forMs) continue;
    faults.push({ atMs, fault: struck.fault });
    const rests = terms.workers.includes(victimOf(struck.fault)) ? RECOVERY_SHARE * sessionTimeoutMs : 0;
    freeAt.set(victimOf(struck.fault), atMs + struck.lastsMs + rests);
  }
  return faults;
};

const victimOf = (fault: Fault): string => {
  if (fault.kind === 'restart-broker') return BROKER;
  return fault.kind === 'kill-redis' ? REDIS : fault.process;
};

/** Null where what it would strike is not standing. */
const strikeOf = (
  kind: Kind | undefined,
  { workers, projection, gateway, sessionTimeoutMs }: ChaosTerms,
  isFree: (name: string) => boolean,
  random: () => number,
): Strike | null => {
  const one = (among: readonly string[]): string | null => {
    const [first, ...others] = among.filter(isFree);
    return first === undefined ? null : pick(random, [first, ...others]);
  };
  const where = pick<CutAt>(random, ['before', 'sent', 'answered']);
  const backAfterMs = between(random, 200, 2_500);
  const kill = (process: string | null): Strike | null =>
    process === null ? null : { fault: { kind: 'kill', process, backAfterMs }, lastsMs: backAfterMs };
  const cut = (process: string | null): Strike | null =>
    process === null
      ? null
      : { fault: { kind: 'cut', process, requests: between(random, 1, 8), where }, lastsMs: 0 };
  switch (kind) {
    case 'kill':
      return kill(one(workers));
    case 'kill-projection':
      return kill(one([projection]));
    case 'kill-gateway':
      return kill(one([gateway]));
    case 'cut':
      return cut(one(workers));
    case 'cut-any':
      return cut(one([...workers, projection, gateway]));
    case 'stop': {
      const process = one(workers);
      const forMs = sessionTimeoutMs + between(random, 1_500, 4_000);
      return process === null ? null : { fault: { kind, process, forMs }, lastsMs: forMs };
    }
    case 'restart-broker':
      return isFree(BROKER) ? { fault: { kind }, lastsMs: BROKER_MS } : null;
    case 'kill-redis':
      return isFree(REDIS) ? { fault: { kind, backAfterMs }, lastsMs: backAfterMs } : null;
    case 'cut-redis': {
      const process = one(workers);
      return process === null
        ? null
        : { fault: { kind, process, where, forMs: backAfterMs }, lastsMs: backAfterMs };
    }
    case undefined:
      return null;
    default:
      return kind satisfies never;
  }
};
