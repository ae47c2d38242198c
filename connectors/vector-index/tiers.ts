/**
 * Where each row is, decided in memory: in the graph, or too recent for it. While the next graph is built, the rows that go
 * into it are frozen, and what is removed meanwhile is hidden from it when it comes.
 */
import { RecentRows } from './recent-rows.ts';
import type { VectorHit } from './vector-index.ts';
import type { HashedQuery, HashedRow } from './zvec-rows.ts';

interface Frozen {
  /** Those of them that were not removed since. */
  readonly rows: RecentRows;
  /** Rows that the next graph will hold, removed since or not. */
  readonly built: ReadonlySet<string>;
  /** Rows of the graph that the next one will not hold. */
  readonly dropped: ReadonlySet<string>;
  /** Hidden in the next graph. */
  readonly hidden: Set<string>;
}

export class Tiers {
  #recent = new RecentRows();
  #frozen: Frozen | undefined;
  #hidden = new Set<string>();

  /** Rows of the graph that are removed. Another set once the next graph came: hold on to it with its graph. */
  get hidden(): ReadonlySet<string> {
    return this.#hidden;
  }

  /** Rows outside the graph. */
  get size(): number {
    return this.#recent.size + (this.#frozen?.rows.size ?? 0);
  }

  /** `inGraph`: whether the graph has a row of that id, hidden or not. */
  has(id: string, inGraph: boolean): boolean {
    return this.#recent.has(id) || this.#frozen?.rows.has(id) === true || (inGraph && !this.#hidden.has(id));
  }

  ids(): readonly string[] {
    return [...this.#recent.ids(), ...(this.#frozen?.rows.ids() ?? [])];
  }

  /** Of a row that is nowhere. */
  add(row: HashedRow): void {
    this.#recent.add(row);
  }

  remove(id: string, inGraph: boolean): void {
    this.#recent.remove(id);
    if (inGraph) this.#hidden.add(id);
    const frozen = this.#frozen;
    if (frozen === undefined) return;
    frozen.rows.remove(id);
    if (frozen.built.has(id) || (inGraph && !frozen.dropped.has(id))) frozen.hidden.add(id);
  }

  query(query: HashedQuery): readonly VectorHit[] {
    return [...this.#recent.query(query), ...(this.#frozen?.rows.query(query) ?? [])];
  }

  /** What the next graph has to take in. */
  freeze(): { readonly rows: readonly HashedRow[]; readonly removed: readonly string[] } {
    const rows = [...this.#recent.rows()];
    this.#frozen = {
      rows: this.#recent,
      built: new Set(rows.map(({ id }) => id)),
      dropped: new Set(this.#hidden),
      hidden: new Set(),
    };
    this.#recent = new RecentRows();
    return { rows, removed: [...this.#hidden] };
  }

  /** The next graph is there. */
  advance(): void {
    this.#hidden = this.#frozen?.hidden ?? this.#hidden;
    this.#frozen = undefined;
  }

  /** The next graph came to nothing. */
  thaw(): void {
    for (const row of this.#frozen?.rows.rows() ?? []) this.#recent.add(row);
    this.#frozen = undefined;
  }
}
