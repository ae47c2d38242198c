/** Keeps the keyword index filled from the table that serves: at a start, once it has lost its rows, and after a rebuild. */
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import type { KeywordIndex } from '../../connectors/keyword-index/keyword-index.ts';
import { fillKeywords, type KeywordFill } from './keyword-rows.ts';

export interface KeptKeywords {
  /** Whether it holds everything by now. */
  ready(): boolean;
  /** The action may close the table and put another in its place; the index is filled anew behind it. */
  replacing(action: () => Promise<void>): Promise<void>;
  /** Resolves when the table is read no more. */
  stop(): Promise<void>;
}

export interface KeepSettings {
  readonly keywords: KeywordIndex;
  /** The one that serves. */
  readonly table: () => DocumentTable;
  readonly partitions: readonly number[];
  /** Resolves once what is being applied now is. */
  readonly settled: () => Promise<unknown>;
  /** The table could not be read: searches by words are off until a start, a rebuild or an end of the index. */
  readonly onFailure: (thrown: unknown) => void;
}

export const keepKeywords = ({
  keywords,
  table,
  partitions,
  settled,
  onFailure,
}: KeepSettings): KeptKeywords => {
  let filling: KeywordFill | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  let lost = false;
  let held = false;

  const stopFilling = async (): Promise<void> => {
    filling?.stop();
    ended = Promise.all([ended, filling?.ended]);
    filling = undefined;
    await ended;
  };
  const fill = (): void => {
    void stopFilling();
    if (!lost && !held) filling = fillKeywords(table(), partitions, keywords, onFailure);
  };

  keywords.watch({
    lost: () => {
      lost = true;
      void stopFilling();
    },
    empty: () => {
      lost = false;
      // Rows that were handed over while it was lost stand in the table once their round has ended, and not before.
      void settled().then(fill);
    },
  });
  fill();

  return {
    ready: () => filling?.done() ?? false,
    replacing: async (action) => {
      held = true;
      await stopFilling();
      try {
        await action();
      } finally {
        held = false;
        keywords.clear();
        fill();
      }
    },
    stop: () => {
      held = true;
      return stopFilling();
    },
  };
};
