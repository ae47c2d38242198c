/**
 * How far a vector lies from the centroid of its table's vectors of one tenant, in standard deviations of what came before.
 * Learned as documents pass and kept in memory: after a restart, or where a partition moved, it lets all pass until it knows
 * enough again. Texts in the wrong table, and texts of nothing, are what it finds.
 */
import type { GateSettings } from '../../schemas/gate-settings.ts';

export interface DriftPlace {
  readonly source: string;
  readonly table: string;
  readonly tenant: string;
}

export interface DriftJudge {
  /** The first of the vectors that is too far away, and how far; undefined where none is, or too few are known. */
  farthest(
    place: DriftPlace,
    vectors: readonly Float32Array[],
    limits: Pick<GateSettings['drift'], 'deviations' | 'afterChunks'>,
  ): { readonly at: number; readonly deviations: number } | undefined;
  /** Vectors of a document that goes into the index. */
  learn(place: DriftPlace, vectors: readonly Float32Array[]): void;
}

/** What one batch learns, judged by at once and known to others once it counts: a batch that is tried again has taught nothing. */
export interface StagedDrift extends DriftJudge {
  /** Once its documents stand in the log. */
  commit(): void;
}

export interface DriftWatch extends DriftJudge {
  stage(): StagedDrift;
}

interface Known {
  /** Sum of unit vectors: its direction is the centroid's. */
  readonly sum: Float64Array;
  count: number;
  /** Welford's running mean and squared deviations of the distances. */
  mean: number;
  squares: number;
}

const MOST_PLACES = 256;
/** Distances of texts that are all alike vary by nothing; below this a difference says nothing. */
const LEAST_DEVIATION = 0.01;

const distance = (vector: Float32Array, sum: Float64Array): number => {
  let dot = 0;
  let ofVector = 0;
  let ofSum = 0;
  for (let at = 0; at < vector.length; at += 1) {
    const a = vector[at] ?? 0;
    const b = sum[at] ?? 0;
    dot += a * b;
    ofVector += a * a;
    ofSum += b * b;
  }
  const norms = Math.sqrt(ofVector * ofSum);
  return norms === 0 ? 1 : 1 - dot / norms;
};

const farthestOf = (
  known: Known | undefined,
  vectors: readonly Float32Array[],
  { deviations, afterChunks }: Pick<GateSettings['drift'], 'deviations' | 'afterChunks'>,
): { readonly at: number; readonly deviations: number } | undefined => {
  if (!known || known.count < afterChunks) return undefined;
  const deviation = Math.max(LEAST_DEVIATION, Math.sqrt(known.squares / known.count));
  for (const [at, vector] of vectors.entries()) {
    const far = (distance(vector, known.sum) - known.mean) / deviation;
    if (far > deviations) return { at, deviations: far };
  }
  return undefined;
};

/** Adds to `known` in place. */
const learnInto = (known: Known, vectors: readonly Float32Array[]): void => {
  for (const vector of vectors) {
    if (vector.length !== known.sum.length) continue;
    const far = known.count === 0 ? 0 : distance(vector, known.sum);
    known.count += 1;
    const before = far - known.mean;
    known.mean += before / known.count;
    known.squares += before * (far - known.mean);
    for (let at = 0; at < vector.length; at += 1) known.sum[at] = (known.sum[at] ?? 0) + (vector[at] ?? 0);
  }
};

const nothingKnown = ({ length }: Float32Array): Known => ({
  sum: new Float64Array(length),
  ...{ count: 0, mean: 0, squares: 0 },
});

const keyOf = ({ source, table, tenant }: DriftPlace): string => JSON.stringify([source, table, tenant]);

export const createDriftWatch = (): DriftWatch => {
  const places = new Map<string, Known>();

  const learn: DriftWatch['learn'] = (place, vectors) => {
    const key = keyOf(place);
    const [first] = vectors;
    if (!first) return;
    const known = places.get(key) ?? nothingKnown(first);
    places.delete(key);
    places.set(key, known);
    learnInto(known, vectors);
    const [oldest] = places.keys();
    if (places.size > MOST_PLACES && oldest !== undefined) places.delete(oldest);
  };

  return {
    farthest: (place, vectors, limits) => farthestOf(places.get(keyOf(place)), vectors, limits),
    learn,
    stage: () => {
      /** Copies of the places that the batch has added to. */
      const added = new Map<string, Known>();
      const learned: { readonly place: DriftPlace; readonly vectors: readonly Float32Array[] }[] = [];
      return {
        farthest: (place, vectors, limits) => {
          const key = keyOf(place);
          return farthestOf(added.get(key) ?? places.get(key), vectors, limits);
        },
        learn: (place, vectors) => {
          const key = keyOf(place);
          const [first] = vectors;
          if (!first) return;
          const held = places.get(key);
          const known = added.get(key) ?? (held ? { ...held, sum: held.sum.slice() } : nothingKnown(first));
          added.set(key, known);
          learnInto(known, vectors);
          learned.push({ place, vectors });
        },
        // Other partitions have learned meanwhile, so what stands is added to, not replaced by the copies.
        commit: () => {
          for (const { place, vectors } of learned.splice(0)) learn(place, vectors);
        },
      };
    },
  };
};
