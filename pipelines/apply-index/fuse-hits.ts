/** Several rankings of the same rows → one, and what of it is answered: caps per document and per source. Pure. */

/** Cormack, Clarke and Büttcher 2009, Reciprocal Rank Fusion: 60 keeps a single first place from deciding alone. */
const RANK_OFFSET = 60;

/** Ids, best first; of equal sums the smaller id, so that the same question has the same answer. An id counts once a ranking. */
export const fuseRankings = (rankings: readonly (readonly string[])[]): readonly string[] => {
  const sums = new Map<string, number>();
  for (const ranking of rankings) {
    for (const [rank, id] of [...new Set(ranking)].entries())
      sums.set(id, (sums.get(id) ?? 0) + 1 / (RANK_OFFSET + rank + 1));
  }
  return [...sums.keys()].sort(
    (a, b) => (sums.get(b) ?? 0) - (sums.get(a) ?? 0) || (a < b ? -1 : a > b ? 1 : 0),
  );
};

export interface HitLimits {
  readonly topK: number;
  readonly maxPerDocument: number;
  /** Rows of one source; undefined: as many as come. */
  readonly maxPerSource: number | undefined;
}

interface Groupable {
  readonly documentId: string;
  readonly source: string;
}

/**
 * The first topK that no cap leaves out, in their order. `open`: what a candidate is; undefined: nothing any more. It is asked only of
 * those that no cap leaves out, as it may cost more than a look at the candidate.
 */
export const capHits = <Candidate extends Groupable, Hit>(
  candidates: Iterable<Candidate>,
  limits: HitLimits,
  open: (candidate: Candidate) => Hit | undefined,
): readonly Hit[] => {
  const documents = new Map<string, number>();
  const sources = new Map<string, number>();
  const kept: Hit[] = [];
  for (const candidate of candidates) {
    const { documentId, source } = candidate;
    const ofDocument = documents.get(documentId) ?? 0;
    const ofSource = sources.get(source) ?? 0;
    if (ofDocument >= limits.maxPerDocument || ofSource >= (limits.maxPerSource ?? Number.POSITIVE_INFINITY))
      continue;
    const hit = open(candidate);
    if (hit === undefined) continue;
    documents.set(documentId, ofDocument + 1);
    sources.set(source, ofSource + 1);
    kept.push(hit);
    if (kept.length >= limits.topK) break;
  }
  return kept;
};
