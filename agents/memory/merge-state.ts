/** Two memories that say the same are one: the newer words, both histories. Pure. */
import type { Memory } from '../../schemas/records.ts';
import type { HeldMemory } from './memory-ledger-state.ts';

/** Stretches of the journal that a memory keeps: the oldest of more are no longer known. */
export const MOST_PLACES = 32;

const covers = (held: Memory['places'][number], place: Memory['places'][number]): boolean =>
  held.topic === place.topic &&
  held.partition === place.partition &&
  held.from <= place.from &&
  place.to <= held.to;

/** Everything that the fresh one was made from is in the held one already: it was written before. */
export const isKnown = (held: Pick<HeldMemory, 'places'>, fresh: Pick<Memory, 'places'>): boolean =>
  fresh.places.every((place) => held.places.some((each) => covers(each, place)));

const together = (a: Memory['places'], b: Memory['places']): Memory['places'] =>
  [...a.filter((place) => !b.some((each) => covers(each, place))), ...b].slice(-MOST_PLACES);

/**
 * The fresh memory under the id of the one it is too near to. Undefined where nothing is to be written: it is counted
 * already, or it is older than what stands. A use that comes out of order is not counted: `uses` is never too high.
 */
export const mergeMemories = (held: HeldMemory, fresh: Memory): Memory | undefined => {
  if (held.state === 'forgotten' || isKnown(held, fresh) || fresh.at <= held.at) return undefined;
  const goesOn = held.state === 'kept';
  const same = held.memoryId === fresh.memoryId;
  return {
    ...fresh,
    memoryId: held.memoryId,
    uses: !goesOn ? fresh.uses : same ? Math.max(held.uses, fresh.uses) : held.uses + fresh.uses,
    createdAt: goesOn ? Math.min(held.createdAt, fresh.createdAt) : fresh.createdAt,
    places: together(held.places, fresh.places),
  };
};
