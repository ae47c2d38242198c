/** The last records that could not be processed, and which of them were taken through again. */
import { placeOf } from '../../schemas/dead-letters.ts';
import type { Audit, DeadLetter } from '../../schemas/records.ts';
import { textPreview } from '../record-preview.ts';
import { type Counted, countedBy } from './counted-by.ts';

export const DEAD_LETTER_REDRIVE = 'dead-letter redrive';
/** Follows the one before whose records Kafka did not take. */
export const DEAD_LETTER_REDRIVE_FAILED = 'dead-letter redrive failed';

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

/** Those of one topic that could not be processed for the same reason; times in microseconds since the Unix epoch. */
export interface DeadLetterKind {
  readonly topic: string;
  readonly reason: string;
  readonly count: number;
  /** Of these, taken through again. */
  readonly redriven: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface DeadLetterList {
  add(letter: DeadLetterSummary): void;
  /** What a redrive wrote down: those that were taken through again are told apart, unless it failed. */
  noteAudit(audit: Audit): void;
  /** Newest first, with all that match counted by reason, and by topic and reason. */
  list(
    limit: number,
    filter?: DeadLetterFilter,
  ): {
    readonly held: number;
    readonly groups: readonly Counted[];
    readonly kinds: readonly DeadLetterKind[];
    readonly items: readonly (DeadLetterSummary & { readonly redriven: boolean })[];
  };
  /** Of all that are held, those with the newest letter first. */
  kinds(): readonly DeadLetterKind[];
  get(place: string): DeadLetterSummary | undefined;
  clear(): void;
}

const MAX_HELD = 1_000;
const MAX_REDRIVEN = 10_000;
const MAX_KEY_CHARACTERS = 200;

export const createDeadLetterList = (max = MAX_HELD): DeadLetterList => {
  const held = new Map<string, DeadLetterSummary>();
  const redriven = new Set<string>();
  const kindsOf = (letters: Iterable<DeadLetterSummary>): readonly DeadLetterKind[] => {
    const kinds = new Map<string, DeadLetterKind>();
    for (const { origin, reason, at, place } of letters) {
      const { topic } = origin;
      const name = `${topic} ${reason}`;
      const before = kinds.get(name) ?? { topic, reason, count: 0, redriven: 0, firstAt: at, lastAt: at };
      kinds.set(name, {
        ...before,
        count: before.count + 1,
        redriven: before.redriven + (redriven.has(place) ? 1 : 0),
        firstAt: Math.min(before.firstAt, at),
        lastAt: Math.max(before.lastAt, at),
      });
    }
    return [...kinds.values()].sort((a, b) => b.lastAt - a.lastAt);
  };
  return {
    add: (letter) => {
      held.delete(letter.place);
      held.set(letter.place, letter);
      const [oldest] = held.keys();
      if (held.size > max && oldest !== undefined) held.delete(oldest);
    },
    noteAudit: ({ action, targets }) => {
      if (action === DEAD_LETTER_REDRIVE_FAILED) for (const place of targets) redriven.delete(place);
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
        kinds: kindsOf(found),
        items: found
          .slice(-limit)
          .reverse()
          .map((each) => ({ ...each, redriven: redriven.has(each.place) })),
      };
    },
    kinds: () => kindsOf(held.values()),
    get: (place) => held.get(place),
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
