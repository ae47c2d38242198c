/** What several index replicas cover together: of each source, and of each held table, what the one furthest behind does. Pure. */
import { ownField } from '../../schemas/own-field.ts';
import { type SourceWatermark, UNTRACKED, type Watermark } from '../../schemas/search.ts';
import { ageOf } from '../../schemas/watermark-age.ts';

type Watermarks = Readonly<Record<string, SourceWatermark>>;

/** Why nothing is claimed of a replica that never answered. */
export const REPLICA_SILENT = 'replica-silent';

const isWorse = (one: Watermark, other: Watermark): boolean =>
  one.state === other.state ? ageOf(one) > ageOf(other) : one.state === 'unknown';

const worstOf = <Of extends Watermark>(all: readonly Of[]): Of | undefined =>
  all.reduce<Of | undefined>((worst, each) => (!worst || isWorse(each, worst) ? each : worst), undefined);

const namesIn = (all: readonly Readonly<Record<string, unknown>>[]): readonly string[] => [
  ...new Set(all.flatMap((each) => Object.keys(each))),
];

/** `replicas`: what each said; undefined for one that was never heard. Unknown is worse than any age (rule W). */
export const worstWatermarks = (replicas: readonly (Watermarks | undefined)[]): Watermarks =>
  Object.fromEntries(
    namesIn(replicas.map((each) => each ?? {})).map((source) => {
      const all = replicas.map(
        (each): SourceWatermark =>
          each ? (ownField(each, source) ?? UNTRACKED) : { ...UNTRACKED, reason: REPLICA_SILENT },
      );
      const held = all.map(({ heldTables }) => heldTables);
      const heldTables = Object.fromEntries(
        namesIn(held).flatMap((table) => {
          const worst = worstOf(held.flatMap((tables) => ownField(tables, table) ?? []));
          return worst ? [[table, worst]] : [];
        }),
      );
      const quarantined = Math.max(...all.map((each) => each.quarantined));
      const deadLettered = Math.max(...all.map((each) => each.deadLettered));
      return [source, { ...(worstOf(all) ?? UNTRACKED), heldTables, quarantined, deadLettered }];
    }),
  );
