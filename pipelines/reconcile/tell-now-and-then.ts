import type { ReconcileSourcesSettings } from './reconcile-sources.ts';

const EVERY_ROWS = 10_000;

/** Progress of a comparison that somebody reads: with every ten thousand rows, and as a table begins. */
export const tellNowAndThen = (
  tell: NonNullable<ReconcileSourcesSettings['onProgress']>,
): NonNullable<ReconcileSourcesSettings['onProgress']> => {
  let told = 0;
  return (source, table, rows) => {
    if (rows < told + EVERY_ROWS && rows > told) return;
    told = rows;
    tell(source, table, rows);
  };
};
