/**
 * Work of one partition, in order, in batches of whatever has come meanwhile: a change at rest never waits for a
 * batch to fill, and a burst is taken many at a time. What waits is bounded by count and by bytes: a record may hold
 * a row number or 8 MB. A batch that fails is tried again until it passes or the
 * partition is gone: nothing is skipped.
 */
import { type BatchBounds, nextBatchSize } from './batch-size.ts';
import { untilItPasses } from './until-it-passes.ts';

export interface BatchQueueSettings<Item> {
  readonly batch: BatchBounds;
  /** A batch ends before it passes so many bytes; one larger item is a batch of its own. */
  readonly maxBatchBytes: number;
  /** Over this many waiting, or over so many bytes, `onFull`; at half of both again, `onDrained`. */
  readonly highWater: number;
  readonly highWaterBytes: number;
  /** What an item holds in memory, in bytes. */
  readonly bytesOf: (item: Item) => number;
  readonly process: (batch: readonly Item[], signal: AbortSignal) => Promise<void>;
  readonly onFull: () => void;
  readonly onDrained: () => void;
  /** A batch failed and will be tried again. */
  readonly onRetry: (error: Error, attempt: number) => void;
}

export interface BatchQueue<Item> {
  push(items: readonly Item[]): void;
  waiting(): number;
  waitingBytes(): number;
  /** Of the batch under way, or else of what waits, the first. */
  first(): Item | undefined;
  /** Finishes the batch under way, drops the rest. */
  stop(): Promise<void>;
  /** Gives up the batch under way as soon as it can: the partition is another's. */
  abandon(): void;
}

export const createBatchQueue = <Item>(settings: BatchQueueSettings<Item>): BatchQueue<Item> => {
  let waiting: Item[] = [];
  let bytes = 0;
  let size = settings.batch.least;
  let full = false;
  let stopped = false;
  let running: Promise<void> | undefined;
  let underWay: Item | undefined;
  const gone = new AbortController();

  const process = async (batch: readonly Item[]): Promise<void> => {
    const begun = performance.now();
    await settings.process(batch, gone.signal);
    size = nextBatchSize(settings.batch, size, batch.length, performance.now() - begun);
  };

  const takeBatch = (): readonly Item[] => {
    let count = 0;
    let taken = 0;
    for (const item of waiting) {
      const itemBytes = settings.bytesOf(item);
      if (count === size || (count > 0 && taken + itemBytes > settings.maxBatchBytes)) break;
      count += 1;
      taken += itemBytes;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    bytes -= taken;
    return batch;
  };

  const run = async (): Promise<void> => {
    while (waiting.length > 0 && !stopped) {
      const batch = takeBatch();
      underWay = batch[0];
      if (full && waiting.length <= settings.highWater / 2 && bytes <= settings.highWaterBytes / 2) {
        full = false;
        settings.onDrained();
      }
      await untilItPasses(() => process(batch), {
        signal: gone.signal,
        onRetry: settings.onRetry,
        givesUp: () => stopped,
      });
      underWay = undefined;
    }
    running = undefined;
  };

  return {
    push: (items) => {
      if (stopped || items.length === 0) return;
      waiting = waiting.concat(items);
      bytes += items.reduce((sum, item) => sum + settings.bytesOf(item), 0);
      if (!full && (waiting.length > settings.highWater || bytes > settings.highWaterBytes)) {
        full = true;
        settings.onFull();
      }
      running ??= run();
    },
    waiting: () => waiting.length,
    waitingBytes: () => bytes,
    first: () => underWay ?? waiting[0],
    stop: async () => {
      stopped = true;
      await running;
    },
    abandon: () => {
      stopped = true;
      waiting = [];
      bytes = 0;
      underWay = undefined;
      gone.abort();
    },
  };
};
