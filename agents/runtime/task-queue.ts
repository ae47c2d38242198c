/**
 * The tasks of one partition that wait, and which is to start: those of a session one after another in order of offset, the same
 * task twice too; else that of the tenant that has the fewest running and waits the longest for a turn, of those the highest
 * priority, then the first that came. So a slow one holds back nobody but its own, and a tenant that sends a thousand, however urgent
 * it says they are, does not keep another's one waiting. Kept in place; no I/O.
 */
export interface Queued {
  readonly offset: number;
  /** Tasks that share one of these run one after another. The first is that of the same task, sent twice. */
  readonly lanes: readonly string[];
  /** Shares its turns with its like. */
  readonly tenant: string;
  readonly priority: number;
  /** Microseconds since the Unix epoch: it starts no sooner. 0: at once. */
  readonly notBefore: number;
}

export interface TaskQueue<Item extends Queued> {
  push(item: Item): void;
  /** Takes the one that is to start now, and keeps its lanes until `release`. */
  next(now: number): Item | undefined;
  release(item: Item): void;
  /** It runs and does nothing but wait: until it goes on, it counts for none of its tenant's that run. */
  rest(item: Item): void;
  goOn(item: Item): void;
  /**
   * Every task below this offset was pushed, or is none: those that share more than the same task with others start no sooner, as one
   * before them may yet come.
   */
  knowBelow(offset: number): void;
  /** Those that may not start, whatever is free: it is too early, or one before them in a lane is not done. */
  held(): readonly Item[];
  /** One of those is to start next all the same: there is nothing to do for it but to say that it has ended. */
  hurry(item: Item): void;
  /** Takes out one that waits and is not to start any more. */
  drop(item: Item): void;
  waiting(): number;
  /** Those that could start, if there were a place. */
  ready(): Iterable<Item>;
  clear(): void;
}

/** Tenants whose last turn is remembered. */
const MAX_TENANTS = 10_000;

/** `knownBelow`: as `knowBelow` says, at the beginning. */
export const createTaskQueue = <Item extends Queued>(
  knownBelow = Number.POSITIVE_INFINITY,
): TaskQueue<Item> => {
  const waiting = new Set<Item>();
  let known = knownBelow;
  /** Of those that wait: tasks before them are not known yet. By offset, as they are pushed in its order. */
  const ahead = new Set<Item>();
  /** Those that wait and run, by lane, in order: the first holds it until it is released. */
  const lanes = new Map<string, Item[]>();
  /** First in all their lanes, and not too early. */
  const ready = new Set<Item>();
  /** First in all their lanes, the soonest first. */
  let early: Item[] = [];
  const running = new Map<string, number>();
  /** When each tenant had its last turn, the latest at the end. */
  const turns = new Map<string, number>();
  let turn = 0;

  const count = (tenant: string, by: number): void => {
    const now = (running.get(tenant) ?? 0) + by;
    if (now > 0) running.set(tenant, now);
    else running.delete(tenant);
  };

  const serve = (tenant: string): void => {
    turns.delete(tenant);
    turn += 1;
    turns.set(tenant, turn);
    const [oldest] = turns.size > MAX_TENANTS ? turns.keys() : [];
    if (oldest !== undefined) turns.delete(oldest);
  };

  const isBefore = (a: Item, b: Item): boolean => {
    const more = (running.get(a.tenant) ?? 0) - (running.get(b.tenant) ?? 0);
    if (more !== 0) return more < 0;
    const later = (turns.get(a.tenant) ?? 0) - (turns.get(b.tenant) ?? 0);
    if (later !== 0) return later < 0;
    return a.priority === b.priority ? a.offset < b.offset : a.priority > b.priority;
  };

  const admit = (item: Item): void => {
    if (!waiting.has(item) || ahead.has(item)) return;
    if (item.lanes.some((lane) => lanes.get(lane)?.[0] !== item)) return;
    if (item.notBefore === 0) {
      ready.add(item);
      return;
    }
    const at = early.findIndex(({ notBefore }) => notBefore > item.notBefore);
    early.splice(at < 0 ? early.length : at, 0, item);
  };

  const leaveLanes = (item: Item): void => {
    for (const lane of item.lanes) {
      const left = (lanes.get(lane) ?? []).filter((each) => each !== item);
      if (left.length > 0) lanes.set(lane, left);
      else lanes.delete(lane);
    }
    for (const lane of item.lanes) {
      const first = lanes.get(lane)?.[0];
      if (first && !ready.has(first) && !early.includes(first)) admit(first);
    }
  };

  return {
    push: (item) => {
      waiting.add(item);
      if (item.lanes.length > 1 && item.offset >= known) ahead.add(item);
      for (const lane of item.lanes) {
        const line = lanes.get(lane) ?? [];
        const at = line.findIndex((each) => ahead.has(each) && each.offset > item.offset);
        lanes.set(lane, line.toSpliced(at < 0 ? line.length : at, 0, item));
      }
      admit(item);
    },
    next: (now) => {
      while (early[0] && early[0].notBefore <= now) ready.add(early.shift() as Item);
      let chosen: Item | undefined;
      for (const item of ready) if (!chosen || isBefore(item, chosen)) chosen = item;
      if (!chosen) return undefined;
      ready.delete(chosen);
      waiting.delete(chosen);
      count(chosen.tenant, 1);
      serve(chosen.tenant);
      return chosen;
    },
    release: (item) => {
      leaveLanes(item);
      count(item.tenant, -1);
    },
    rest: ({ tenant }) => count(tenant, -1),
    goOn: ({ tenant }) => count(tenant, 1),
    knowBelow: (offset) => {
      known = Math.max(known, offset);
      for (const item of ahead) {
        if (item.offset >= known) return;
        ahead.delete(item);
        admit(item);
      }
    },
    held: () => [...waiting].filter((item) => !ready.has(item)),
    hurry: (item) => {
      const [own = ''] = item.lanes;
      // Of a task that was sent twice, the first is its result.
      if (!waiting.has(item) || lanes.get(own)?.[0] !== item) return;
      early = early.filter((each) => each !== item);
      ahead.delete(item);
      ready.add(item);
    },
    drop: (item) => {
      waiting.delete(item);
      ahead.delete(item);
      ready.delete(item);
      early = early.filter((each) => each !== item);
      leaveLanes(item);
    },
    waiting: () => waiting.size,
    ready: () => ready,
    clear: () => {
      waiting.clear();
      ahead.clear();
      ready.clear();
      lanes.clear();
      early = [];
    },
  };
};
