/** The last records that could not be processed, and which of them were taken through again. */
import { placeOf } from '../../schemas/dead-letters.ts';
import type { Audit, DeadLetter } from '../../schemas/records.ts';
import { textPreview } from '../record-preview.ts';
import { type Counted, countedBy } from './counted-by.ts';

export const DEAD_LETTER_REDRIVE = 'dead-letter redrive';

/** A dead letter without the record itself, which may be large and is no one's to read in a list. */
export type DeadLetterSummary = Omit<DeadLetter, 'key' | 'value' | 'headers'> & {
  readonly key: string | null;
  /** topic:partition:offset of the record. */
  readonly place: string;
};

export interface DeadLetterFilter {
  readonly topic?: string | undefined;
  readonly reason?: string | undefined;
}

export interface DeadLetterList {
  add(letter: DeadLetterSummary): void;
  /** What a redrive wrote down: those that were taken through again are told apart. */
  noteAudit(audit: Audit): void;
  /** Newest first, with all that are held counted by reason. */
  list(
    limit: number,
    filter?: DeadLetterFilter,
  ): {
    readonly held: number;
    readonly groups: readonly Counted[];
    readonly items: readonly (DeadLetterSummary & { readonly redriven: boolean })[];
  };
  get(place: string): DeadLetterSummary | undefined;
  all(): readonly DeadLetterSummary[];
  clear(): void;
}

const MAX_HELD = 1_000;
const MAX_REDRIVEN = 10_000;
const MAX_KEY_CHARACTERS = 200;

export const createDeadLetterList = (max = MAX_HELD): DeadLetterList => {
  const held = new Map<string, DeadLetterSummary>();
  const redriven = new Set<string>();
  return {
    add: (letter) => {
      held.delete(letter.place);
      held.set(letter.place, letter);
      const [oldest] = held.keys();
      if (held.size > max && oldest !== undefined) held.delete(oldest);
    },
    noteAudit: ({ action, targets }) => {
      if (action !== DEAD_LETTER_REDRIVE) return;
      for (const place of targets) redriven.add(place);
      for (const place of redriven) {
        if (redriven.size <= MAX_REDRIVEN) break;
        redriven.delete(place);
      }
    },
    list: (limit, { topic, reason } = {}) => {
      const found = [...held.values()].filter(
        (each) =>
          (topic === undefined || each.origin.topic === topic) &&
          (reason === undefined || each.reason === reason),
      );
      return {
        held: found.length,
        groups: countedBy(found, (letter) => letter.reason),
        items: found
          .slice(-limit)
          .reverse()
          .map((each) => ({ ...each, redriven: redriven.has(each.place) })),
      };
    },
    get: (place) => held.get(place),
    all: () => [...held.values()],
    clear: () => {
      held.clear();
      redriven.clear();
    },
  };
};

/** As people may see it: a key is a row's, and a message may quote what could not be read. */
export const summaryOf = ({ key, value: _, headers: __, ...letter }: DeadLetter): DeadLetterSummary => ({
  ...letter,
  message: textPreview(letter.message),
  place: placeOf(letter.origin),
  key: key === null ? null : textPreview(Buffer.from(key).toString('utf8'), MAX_KEY_CHARACTERS),
});
