/**
 * Where each row is, decided in memory: in one of two graphs, or too recent for them. Most rows are in the large graph; what came
 * since goes into a small one, which is quick to make anew, and all of that into the next large one, seldom. While a graph is
 * built, the rows that go into it are frozen, and what is removed meanwhile is hidden from it when it comes.
 */
import { FreshetError } from '../../schemas/errors.ts';
import { RecentRows } from './recent-rows.ts';
import type { VectorHit } from './vector-index.ts';
import type { HashedQuery, HashedRow } from './zvec-rows.ts';

export const LEVELS = ['large', 'small'] as const;
export type Level = (typeof LEVELS)[number];
/** Of row ids, by the graph that has them. */
export type ByLevel<Of> = Readonly<Record<Level, Of>>;

interface Frozen {
  /** What is built. The large graph takes in all of the small one. */
  readonly into: Level;
  /** Those of them that were not removed since. */
  readonly rows: RecentRows;
  /** Rows that are new in the next graph, removed since or not. */
  readonly added: ReadonlySet<string>;
  /** Rows of the graphs that the next one will not hold. */
  readonly dropped: ByLevel<ReadonlySet<string>>;
  /** Hidden in the next graph. */
  readonly hidden: Set<string>;
}

/** The graphs that the next one takes the place of. */
export const replacedBy = (into: Level): readonly Level[] => (into === 'large' ? LEVELS : ['small']);

export class Tiers {
  #recent = new RecentRows();
  #frozen: Frozen | undefined;
  #hidden: ByLevel<Set<string>> = { large: new Set(), small: new Set() };

  /** Rows of the graphs that are removed. Other sets once a next graph came: hold on to them with their graphs. */
  get hidden(): ByLevel<ReadonlySet<string>> {
    return this.#hidden;
  }

  /** Rows outside the graphs. */
  get size(): number {
    return this.#recent.size + (this.#frozen?.rows.size ?? 0);
  }

  /** `levels`: the graphs that have a row of that id, hidden or not. */
  has(id: string, levels: readonly Level[]): boolean {
    return (
      this.#recent.has(id) ||
      this.#frozen?.rows.has(id) === true ||
      levels.some((level) => !this.#hidden[level].has(id))
    );
  }

  ids(): readonly string[] {
    return [...this.#recent.ids(), ...(this.#frozen?.rows.ids() ?? [])];
  }

  /** Of a row that is nowhere. */
  add(row: HashedRow): void {
    this.#recent.add(row);
  }

  remove(id: string, levels: readonly Level[]): void {
    this.#recent.remove(id);
    for (const level of levels) this.#hidden[level].add(id);
    const frozen = this.#frozen;
    if (frozen === undefined) return;
    frozen.rows.remove(id);
    if (this.isVisibleInNext(id, levels)) frozen.hidden.add(id);
  }

  /** Whether the graph that is built will have a row of that id that is not hidden in it yet. */
  isVisibleInNext(id: string, levels: readonly Level[]): boolean {
    const frozen = this.#frozen;
    if (frozen === undefined || frozen.hidden.has(id)) return false;
    const replaced = replacedBy(frozen.into);
    const goesIn = levels.some((level) => replaced.includes(level) && !frozen.dropped[level].has(id));
    return goesIn || frozen.added.has(id);
  }

  query(query: HashedQuery): readonly VectorHit[] {
    return [...this.#recent.query(query), ...(this.#frozen?.rows.query(query) ?? [])];
  }

  /**
   * What the next graph has to take in, and what of the graphs that it replaces it leaves out. Throws while another is built: its
   * rows would be forgotten.
   */
  freeze(into: Level): {
    readonly rows: readonly HashedRow[];
    readonly dropped: ByLevel<ReadonlySet<string>>;
  } {
    if (this.#frozen !== undefined) throw new FreshetError('internal', 'a graph is built already');
    const rows = [...this.#recent.rows()];
    const replaced = replacedBy(into);
    const droppedOf = (level: Level): ReadonlySet<string> =>
      new Set(replaced.includes(level) ? this.#hidden[level] : []);
    const dropped = { large: droppedOf('large'), small: droppedOf('small') };
    const added = new Set(rows.map(({ id }) => id));
    this.#frozen = { into, rows: this.#recent, added, dropped, hidden: new Set() };
    this.#recent = new RecentRows();
    return { rows, dropped };
  }

  /** The next graph is there. */
  advance(): void {
    const frozen = this.#frozen;
    if (frozen === undefined) return;
    this.#hidden =
      frozen.into === 'large'
        ? { large: frozen.hidden, small: new Set() }
        : { large: this.#hidden.large, small: frozen.hidden };
    this.#frozen = undefined;
  }

  /** The next graph came to nothing. */
  thaw(): void {
    for (const row of this.#frozen?.rows.rows() ?? []) this.#recent.add(row);
    this.#frozen = undefined;
  }
}
