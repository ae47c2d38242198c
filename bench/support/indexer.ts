/** What the side-by-side benches need of a system that keeps an index of one Postgres table, whichever system that is. */
export interface Indexer {
  /** By performance.now(): the servers it stands on were up, and it began to start itself. */
  readonly serversReadyAt: number;
  /** The texts of the nearest documents, best first. */
  search(text: string, topK: number): Promise<readonly string[]>;
  /** Documents that a search may find. */
  documents(): Promise<number>;
  stop(): Promise<void>;
}

export type StartIndexer = (settings: {
  /** Of a database with the table `public.articles` (edit-mix.ts). */
  readonly url: string;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}) => Promise<Indexer>;
