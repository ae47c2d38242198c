/**
 * Which of several index replicas is asked first, by what was last seen of each. One that is not ready, or far behind another, is
 * passed over while another serves; where none is fit, the one that is least behind comes first. Pure.
 */
import { ownField } from '../../schemas/own-field.ts';
import type { SourceWatermark, Watermark } from '../../schemas/search.ts';
import { ageOf } from '../../schemas/watermark-age.ts';

/** What a replica said of itself. */
export interface ReplicaLook {
  /** Null: ready. Otherwise what it waits for, or what troubles it. */
  readonly notReady: string | null;
  readonly watermarks: Readonly<Record<string, SourceWatermark>>;
}

/** Milliseconds that a replica may be behind the freshest: what the source or Kafka is late by, all of them are. */
export const PASSED_OVER_BEHIND_MS = 5_000;

const stalenessOf = (watermark: Watermark | undefined): number =>
  watermark?.state === 'known' ? ageOf(watermark) : Number.POSITIVE_INFINITY;

/** Milliseconds behind the freshest of all, of the source where that is most; infinite where it covers nothing that another does. */
const behindOf = (look: ReplicaLook, all: readonly ReplicaLook[]): number => {
  const sources = new Set(all.flatMap(({ watermarks }) => Object.keys(watermarks)));
  return Math.max(
    0,
    ...[...sources].map((source) => {
      const best = Math.min(...all.map(({ watermarks }) => stalenessOf(ownField(watermarks, source))));
      // Where nobody knows, nobody is behind another.
      return best === Number.POSITIVE_INFINITY ? 0 : stalenessOf(ownField(look.watermarks, source)) - best;
    }),
  );
};

const rotated = <Of>(all: readonly Of[], turn: number): readonly Of[] => {
  const at = all.length === 0 ? 0 : turn % all.length;
  return [...all.slice(at), ...all.slice(0, at)];
};

/** All of them, each once. One that nothing was seen of counts as fit: whoever asks it finds out. `turn`: goes round those that are. */
export const replicaOrder = <Of>(
  replicas: readonly Of[],
  lookOf: (replica: Of) => ReplicaLook | undefined,
  turn: number,
): readonly Of[] => {
  const looks = replicas.flatMap((replica) => lookOf(replica) ?? []);
  const seen = replicas.map((replica) => {
    const look = lookOf(replica);
    const behind = look ? behindOf(look, looks) : 0;
    return { replica, behind, isFit: (look?.notReady ?? null) === null && behind <= PASSED_OVER_BEHIND_MS };
  });
  const fit = seen.filter(({ isFit }) => isFit);
  const others = rotated(
    seen.filter(({ isFit }) => !isFit),
    turn,
  );
  return [
    ...rotated(fit, turn),
    ...[...others].sort((a, b) => (a.behind === b.behind ? 0 : a.behind - b.behind)),
  ].map(({ replica }) => replica);
};
