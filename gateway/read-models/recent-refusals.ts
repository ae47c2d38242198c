/** The last records that a gate refused or that could not be processed, counted by reason. */
import type { DeadLetter, Quarantined } from '../../schemas/records.ts';

/** A dead letter without the record itself, which may be large and is no one's to read here. */
export type DeadLetterSummary = Omit<DeadLetter, 'key' | 'value' | 'headers'> & {
  readonly key: string | null;
};

export interface RecentRefusals<Refusal> {
  add(refusal: Refusal): void;
  /** Newest first, with all that are held counted by group. */
  list(limit: number): {
    readonly held: number;
    readonly groups: readonly { readonly name: string; readonly count: number }[];
    readonly items: readonly Refusal[];
  };
  all(): readonly Refusal[];
  clear(): void;
}

const MAX_HELD = 1_000;
const MAX_KEY_CHARACTERS = 200;

export const createRecentRefusals = <Refusal>(
  groupOf: (refusal: Refusal) => string,
  max = MAX_HELD,
): RecentRefusals<Refusal> => {
  let held: Refusal[] = [];
  return {
    add: (refusal) => {
      held.push(refusal);
      if (held.length > max * 1.2) held = held.slice(-max);
    },
    list: (limit) => {
      const counts = new Map<string, number>();
      for (const refusal of held) counts.set(groupOf(refusal), (counts.get(groupOf(refusal)) ?? 0) + 1);
      return {
        held: held.length,
        groups: [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count),
        items: held.slice(-limit).reverse(),
      };
    },
    all: () => held,
    clear: () => {
      held = [];
    },
  };
};

export const summaryOf = ({ key, value: _, headers: __, ...letter }: DeadLetter): DeadLetterSummary => ({
  ...letter,
  key: key === null ? null : Buffer.from(key).toString('utf8').slice(0, MAX_KEY_CHARACTERS),
});

export const quarantineGroupOf = ({ gate, reason }: Quarantined): string => `${gate}: ${reason}`;
