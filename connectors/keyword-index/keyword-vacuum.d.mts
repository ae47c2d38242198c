import type MiniSearch from 'minisearch';

export interface Cleaned {
  readonly search: MiniSearch;
  readonly tags: ReadonlyMap<string, readonly string[]>;
  /** Rows since the last vacuum began. */
  discarded: number;
  /** Whether one runs. */
  cleaning: boolean;
}

export const cleanWhereDue: (held: Cleaned, stands: () => boolean) => void;
