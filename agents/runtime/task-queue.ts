/**
 * The tasks of one partition that wait, and which may start: in order of offset, but past those whose session, or whose
 * very task, is running, so that a slow one holds back nobody but its own. Kept in place; no I/O.
 */
export interface Queued {
  readonly offset: number;
  /** Tasks that share one of these run one after another. */
  readonly lanes: readonly string[];
}

export interface TaskQueue<Item extends Queued> {
  push(item: Item): void;
  /** Takes the first that may start, and keeps its lanes until `release`. */
  next(): Item | undefined;
  release(item: Item): void;
  waiting(): number;
  clear(): void;
}

export const createTaskQueue = <Item extends Queued>(): TaskQueue<Item> => {
  let waiting: Item[] = [];
  const busy = new Set<string>();
  return {
    push: (item) => {
      waiting.push(item);
    },
    next: () => {
      // One that must wait keeps its lanes from those behind it: order within a session is the order of offsets.
      const held = new Set<string>();
      const at = waiting.findIndex((item) => {
        const free = item.lanes.every((lane) => !busy.has(lane) && !held.has(lane));
        if (!free) for (const lane of item.lanes) held.add(lane);
        return free;
      });
      const [item] = at < 0 ? [] : waiting.splice(at, 1);
      if (item) for (const lane of item.lanes) busy.add(lane);
      return item;
    },
    release: (item) => {
      for (const lane of item.lanes) busy.delete(lane);
    },
    waiting: () => waiting.length,
    clear: () => {
      waiting = [];
    },
  };
};
