// Rows that were discarded → out of the lists of the words that they held. The library's own vacuum pauses with an iterator open
// on its tree, and whatever changes an edge of it meanwhile ends the thread (lucaong/minisearch#306): so each word is looked up by
// itself here, and between two of them anything may change. Plain JavaScript for the worker thread.

/** Of rows discarded since the last one, before a vacuum begins. */
const LEAST_DISCARDED = 20;
const SHARE_DISCARDED = 0.1;
/** Milliseconds of a vacuum in one piece, and of its rest behind each: under edits there is one every second, and the cores are others' too. */
const VACUUM_MS = 2;
const REST_MS = 10;

/** @param {number} discarded @param {number} held @returns {boolean} */
const isDue = (discarded, held) =>
  discarded >= LEAST_DISCARDED && discarded >= SHARE_DISCARDED * (held + discarded);

/**
 * Words are listed at once, some 100 ms for 250,000 of them, and looked at one a step.
 * @param {import('minisearch').default} search @returns {Generator<void>}
 */
const vacuum = function* (search) {
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

/**
 * In the background, for as long as it `stands`. Rows that go meanwhile wait for its end, where it may be due again: no other
 * removal may come to ask.
 * @param {import('./keyword-vacuum.d.mts').Cleaned} held @param {() => boolean} stands
 */
export const cleanWhereDue = (held, stands) => {
  if (held.cleaning || !isDue(held.discarded, held.tags.size)) return;
  held.discarded = 0;
  held.cleaning = true;
  const steps = vacuum(held.search);
  const goOn = () => {
    if (!stands()) return;
    const until = performance.now() + VACUUM_MS;
    while (performance.now() < until)
      if (steps.next().done) {
        held.cleaning = false;
        cleanWhereDue(held, stands);
        return;
      }
    setTimeout(goOn, REST_MS);
  };
  goOn();
};
