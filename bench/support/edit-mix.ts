/**
 * A table under edits: 80 % updates, 15 % inserts, 5 % deletes of rows of about 100 tokens, each text unlike all others and
 * with a code that no other has. Seeded: the same seed gives the same edits, whichever system they are shown to.
 */
import { seededRandom } from '../../connectors/sample-source/seeded-random.ts';

export interface EditedRow {
  readonly id: number;
  readonly title: string;
  readonly body: string;
  /** Stands in `body` and in no other text. */
  readonly code: string;
}

export type Edit =
  | { readonly kind: 'insert' | 'update'; readonly row: EditedRow }
  /** The row as it stood last. */
  | { readonly kind: 'delete'; readonly row: EditedRow };

export interface EditMix {
  /** The next edit, of a row that nobody holds; it is held until it is released. */
  next(): Edit;
  release(id: number): void;
}

export const EDITED_TABLE = `create table articles (
  id bigint primary key,
  tenant text not null default 'bench',
  title text not null,
  body text not null
)`;

const SHARE_OF_UPDATES = 0.8;
const SHARE_OF_INSERTS = 0.15;
const WORDS = 3_000;
/** With the code, the title and the signs between them about 100 tokens. */
const WORDS_OF_BODY = 88;
const CONSONANTS = ['b', 'd', 'f', 'g', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z'];
const VOWELS = ['a', 'e', 'i', 'o', 'u'];

const wordOf = (number: number): string => {
  let rest = number + CONSONANTS.length * VOWELS.length;
  let word = '';
  while (rest > 0) {
    word += CONSONANTS[rest % CONSONANTS.length];
    rest = Math.floor(rest / CONSONANTS.length);
    word += VOWELS[rest % VOWELS.length];
    rest = Math.floor(rest / VOWELS.length);
  }
  return word;
};
const VOCABULARY = Array.from({ length: WORDS }, (_, number) => wordOf(number));

/** The row with this id at a revision. */
export const editedRow = (id: number, revision: number): EditedRow => {
  const random = seededRandom('edited row', id, revision);
  const code = `RX${id.toString(36)}Y${revision.toString(36)}Z`.toUpperCase();
  const words = Array.from({ length: WORDS_OF_BODY }, () => random.pick(VOCABULARY));
  return { id, title: `Note ${id}`, body: `Reference ${code}. ${words.join(' ')}.`, code };
};

/** Edits of a table that holds the rows 1 to `rows` at revision 0. */
export const editMix = (rows: number, seed: number): EditMix => {
  const random = seededRandom('edit mix', rows, seed);
  const revisions = new Map(Array.from({ length: rows }, (_, at) => [at + 1, 0]));
  const ids = [...revisions.keys()];
  const held = new Set<number>();
  let newest = rows;

  const freePlace = (): number => {
    for (;;) {
      const place = random.integer(0, ids.length - 1);
      if (!held.has(ids[place] ?? 0)) return place;
    }
  };
  return {
    next: () => {
      const drawn = random.fraction();
      if (drawn >= SHARE_OF_UPDATES && drawn < SHARE_OF_UPDATES + SHARE_OF_INSERTS) {
        newest += 1;
        ids.push(newest);
        revisions.set(newest, 0);
        held.add(newest);
        return { kind: 'insert', row: editedRow(newest, 0) };
      }
      const place = freePlace();
      const id = ids[place] ?? 0;
      const revision = revisions.get(id) ?? 0;
      held.add(id);
      if (drawn < SHARE_OF_UPDATES) {
        revisions.set(id, revision + 1);
        return { kind: 'update', row: editedRow(id, revision + 1) };
      }
      ids[place] = ids.at(-1) ?? 0;
      ids.pop();
      revisions.delete(id);
      return { kind: 'delete', row: editedRow(id, revision) };
    },
    release: (id) => void held.delete(id),
  };
};
