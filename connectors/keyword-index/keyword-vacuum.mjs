// Rows that were discarded → out of the lists of the words that they held. The library's own vacuum pauses with an iterator open
// on its tree, and whatever changes an edge of it meanwhile ends the thread (lucaong/minisearch#306): so each word is looked up by
// itself here, and between two of them anything may change. Plain JavaScript for the worker thread.

/** Of rows discarded since the last one, before a vacuum begins. */
const LEAST_DISCARDED = 20;
const SHARE_DISCARDED = 0.1;

/** @param {number} discarded @param {number} held @returns {boolean} */
export const isDue = (discarded, held) =>
  discarded >= LEAST_DISCARDED && discarded >= SHARE_DISCARDED * (held + discarded);

/**
 * Words are listed at once, some 100 ms for 250,000 of them, and looked at one a step.
 * @param {import('minisearch').default} search @returns {Generator<void>}
 */
export const vacuum = function* (search) {
  for (const word of [...search._index.keys()]) {
    const fields = search._index.get(word);
    for (const [field, rows] of fields ?? []) {
      for (const row of rows.keys()) if (!search._documentIds.has(row)) rows.delete(row);
      if (rows.size === 0) fields.delete(field);
    }
    if (fields?.size === 0) search._index.delete(word);
    yield;
  }
};
