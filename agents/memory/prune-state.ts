/** Which memories go: those past their time, and the least worth beyond the cap. Worth decays by age and grows by use. Pure. */
import type { MemoryUse } from '../../connectors/redis/use-counts.ts';
import type { LongTermPolicy } from '../../schemas/memory-policy.ts';
import type { HeldMemory } from './memory-ledger-state.ts';

/** Microseconds since the Unix epoch: when a memory was last learned or recalled. */
export const lastUseOf = ({ at }: Pick<HeldMemory, 'at'>, use: MemoryUse | undefined): number =>
  Math.max(at, use?.lastAt ?? 0);

/** Above 0. Halves with every half-life without use; each doubling of its uses adds one. `now` in microseconds. */
export const worthOf = (
  memory: Pick<HeldMemory, 'at' | 'uses'>,
  use: MemoryUse | undefined,
  { halfLifeMs }: Pick<LongTermPolicy, 'halfLifeMs'>,
  now: number,
): number => {
  const ageMs = Math.max(0, now - lastUseOf(memory, use)) / 1_000;
  return (1 + Math.log2(1 + memory.uses + (use?.count ?? 0))) * 2 ** (-ageMs / halfLifeMs);
};

/** How much similarity counts by age and use: from half, for one that has all but decayed, to all. */
export const recallScore = (similarity: number, worth: number): number =>
  similarity * (0.5 + 0.5 * Math.min(1, worth / 2));

/** Whether any of one namespace can go, whatever was recalled of them: only then is it worth asking. */
export const mayPrune = (
  memories: Iterable<HeldMemory>,
  { ttlMs, maxPerTenant }: Pick<LongTermPolicy, 'ttlMs' | 'maxPerTenant'>,
  now: number,
): boolean => {
  let standing = 0;
  for (const memory of memories) {
    if (!isStanding(memory)) continue;
    standing += 1;
    if (standing > maxPerTenant || lastUseOf(memory, undefined) + ttlMs * 1_000 <= now) return true;
  }
  return false;
};

const isStanding = ({ kind, state }: HeldMemory): boolean => kind !== 'cut' && state === 'kept';

export interface Pruned {
  readonly memory: HeldMemory;
  readonly reason: 'expired' | 'too-many';
}

/**
 * Of the memories of one namespace, those that go now: at most `most`, what expired first, then the least worth. The
 * same whatever order they come in.
 */
export const memoriesToPrune = (
  memories: Iterable<HeldMemory>,
  uses: ReadonlyMap<string, MemoryUse>,
  policy: LongTermPolicy,
  now: number,
  most: number,
): readonly Pruned[] => {
  const expired: Pruned[] = [];
  const standing: { readonly memory: HeldMemory; readonly worth: number }[] = [];
  for (const memory of memories) {
    if (!isStanding(memory)) continue;
    const use = uses.get(memory.memoryId);
    if (lastUseOf(memory, use) + policy.ttlMs * 1_000 <= now) expired.push({ memory, reason: 'expired' });
    else standing.push({ memory, worth: worthOf(memory, use, policy, now) });
  }
  const surplus = standing
    .sort((a, b) => a.worth - b.worth || (a.memory.memoryId < b.memory.memoryId ? -1 : 1))
    .slice(0, Math.max(0, standing.length - policy.maxPerTenant));
  return [
    ...expired.sort((a, b) => a.memory.at - b.memory.at || (a.memory.memoryId < b.memory.memoryId ? -1 : 1)),
    ...surplus.map(({ memory }): Pruned => ({ memory, reason: 'too-many' })),
  ].slice(0, most);
};

/**
 * What ended so long ago that nothing need be known of it any more: what a person forgot, once no record of the journal can bring
 * it back; what was pruned, once nobody is still repeating what it was learned from.
 */
export const endedLongAgo = (
  memories: Iterable<HeldMemory>,
  { prunedMs, forgottenMs }: { readonly prunedMs: number; readonly forgottenMs: number },
  now: number,
  most: number,
): readonly HeldMemory[] => {
  const over: HeldMemory[] = [];
  for (const memory of memories) {
    const until =
      memory.kind === 'cut'
        ? memory.expiresAt
        : memory.state === 'kept'
          ? Number.POSITIVE_INFINITY
          : memory.at + (memory.state === 'forgotten' ? forgottenMs : prunedMs) * 1_000;
    if (until < now) over.push(memory);
    if (over.length >= most) break;
  }
  return over;
};
