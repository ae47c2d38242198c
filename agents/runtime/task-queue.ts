/**
 * The tasks of one partition that wait, and which is to start: those of a session, and the same task twice, one after another
 * in order of offset; else the highest priority, then whose tenant has the fewest running and waits the longest for a turn, then the first that came. So a slow
 * one holds back nobody but its own, and a tenant that sends a thousand does not keep another's one waiting. Kept in
 * place; no I/O.
 */
export interface Queued {
  readonly offset: number;
  /** Tasks that share one of these run one after another. */
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
  waiting(): number;
  clear(): void;
}

/** Tenants whose last turn is remembered. */
const MAX_TENANTS = 10_000;

export const createTaskQueue = <Item extends Queued>(): TaskQueue<Item> => {
  let waiting: Item[] = [];
  const busy = new Set<string>();
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
    if (a.priority !== b.priority) return a.priority > b.priority;
    const more = (running.get(a.tenant) ?? 0) - (running.get(b.tenant) ?? 0);
    return more === 0 ? (turns.get(a.tenant) ?? 0) < (turns.get(b.tenant) ?? 0) : more < 0;
  };

  return {
    push: (item) => {
      waiting.push(item);
    },
    next: (now) => {
      // One that must wait keeps its lanes from those behind it: order within a session is the order of offsets.
      const held = new Set<string>();
      let chosen = -1;
      for (const [at, item] of waiting.entries()) {
        const free = item.lanes.every((lane) => !busy.has(lane) && !held.has(lane));
        // Whether it is chosen or not, those behind it in its lanes come after it.
        for (const lane of item.lanes) held.add(lane);
        if (!free || item.notBefore > now) continue;
        const best = waiting[chosen];
        if (!best || isBefore(item, best)) chosen = at;
      }
      const [item] = chosen < 0 ? [] : waiting.splice(chosen, 1);
      if (!item) return undefined;
      for (const lane of item.lanes) busy.add(lane);
      count(item.tenant, 1);
      serve(item.tenant);
      return item;
    },
    release: (item) => {
      for (const lane of item.lanes) busy.delete(lane);
      count(item.tenant, -1);
    },
    waiting: () => waiting.length,
    clear: () => {
      waiting = [];
    },
  };
};
