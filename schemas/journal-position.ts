/** What a commit of freshet.tasks says beside its offset: where to read the journal from (rule J; Kafka allows 4 KB). */
export const commitMetadataOf = (journal: number): string => JSON.stringify({ journal });

/** Undefined where nothing of ours was committed: then the journal is read from its beginning. */
export const journalOffsetOf = (metadata: string | undefined): number | undefined => {
  if (!metadata) return undefined;
  try {
    const { journal } = JSON.parse(metadata) as { readonly journal?: unknown };
    return typeof journal === 'number' && Number.isSafeInteger(journal) && journal >= 0 ? journal : undefined;
  } catch {
    return undefined;
  }
};
