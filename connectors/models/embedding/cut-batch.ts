/** What one run of the model may hold. Lengths are tokens; every text of a batch is padded to its longest. */
export type BatchLimits = {
  /** Texts in a batch of equal lengths. */
  readonly maxTexts: number;
  /** Texts in a batch of different lengths. */
  readonly maxTextsMixed: number;
  /** Texts × longest length. A text that comes meanwhile waits for two such batches at most: the one at work and the one handed over ahead. */
  readonly maxPaddedTokens: number;
  /** Share of the padded tokens that may be padding, 0 to 1. More, and the batch costs more than it saves. */
  readonly maxPaddingShare: number;
};

/**
 * Measured on 2 cores: a batch saves 7 to 24 % a token, no more beyond some 500 tokens, and 500 tokens take 90 ms.
 * So padding above a tenth loses, and so does waiting for a fuller batch.
 */
export const DEFAULT_BATCH_LIMITS: BatchLimits = {
  maxTexts: 16,
  maxTextsMixed: 8,
  maxPaddedTokens: 512,
  maxPaddingShare: 0.1,
};

/**
 * Chooses the next batch from a queue: the oldest text always, then the queued texts nearest to it in length while the
 * limits hold. As the head always goes, a text waits for at most as many batches as stand before it: none starves.
 *
 * @param lengths tokens per queued text, oldest first; not empty
 * @param idleWorkers workers that could take a batch now, at least 1: the queue is shared evenly between them
 * @returns positions in the queue, ascending
 */
export const cutBatch = (
  lengths: readonly number[],
  limits: BatchLimits,
  idleWorkers: number,
): readonly number[] => {
  const head = lengths[0];
  if (head === undefined) return [];
  const fairShare = Math.ceil(lengths.length / idleWorkers);
  const nearestFirst = lengths
    .map((length, position) => ({ length, position }))
    .slice(1)
    .sort((a, b) => Math.abs(a.length - head) - Math.abs(b.length - head) || a.position - b.position);

  const batch = [0];
  let shortest = head;
  let longest = head;
  let tokens = head;
  for (const { length, position } of nearestFirst) {
    if (batch.length >= Math.min(limits.maxTexts, fairShare)) break;
    const nextShortest = Math.min(shortest, length);
    const nextLongest = Math.max(longest, length);
    const padded = nextLongest * (batch.length + 1);
    const padding = (padded - tokens - length) / padded;
    const mixed = nextShortest !== nextLongest;
    if (padded > limits.maxPaddedTokens || padding > limits.maxPaddingShare) continue;
    if (mixed && batch.length >= limits.maxTextsMixed) continue;
    batch.push(position);
    shortest = nextShortest;
    longest = nextLongest;
    tokens += length;
  }
  return batch.sort((a, b) => a - b);
};
