/** Long-term memories near a question: searched as the index is, then weighed by age and use. */
import type { MemoryUse, UseCounts } from '../../connectors/redis/use-counts.ts';
import type { Clock } from '../../schemas/clock.ts';
import { cutText } from '../../schemas/cut-text.ts';
import type { LongTermPolicy } from '../../schemas/memory-policy.ts';
import { MEMORY_ORIGINS, type MemoryOrigin, type RecalledMemory } from '../../schemas/recollection.ts';
import type { Retriever, SearchHit } from '../../schemas/search.ts';
import { namespaceOf } from './memory-record.ts';
import { lastUseOf, recallScore, worthOf } from './prune-state.ts';

/** Errors: those of a search. */
export type RecallMemories = (
  ask: { readonly agent: string; readonly tenant: string; readonly text: string },
  policy: LongTermPolicy,
  signal: AbortSignal,
) => Promise<readonly RecalledMemory[]>;

/** What is no nearer than this says nothing about the question. */
const LEAST_SIMILARITY = 0.2;
/** Asked for beyond topK, as age and use change the order. */
const DEPTH = 3;
const MOST_HITS = 100;
const QUERY_CHARACTERS = 4_000;
const TEXT_CHARACTERS = 1_200;

const originOf = (text: string | undefined): MemoryOrigin =>
  MEMORY_ORIGINS.find((each) => each === text) ?? 'tool';

const KINDS = ['summary', 'behaviour', 'fact'] as const;

/** The id of the memory that a document is: the last part of its own. */
export const memoryIdOfDocument = (documentId: string): string =>
  decodeURIComponent(documentId.slice(documentId.lastIndexOf('/') + 1));

const learnedAt = ({ metadata }: SearchHit): number => Number(metadata.at);

/** `use`: how it was recalled before, where that is needed to know whether its time is over; `now` in microseconds. */
export const recalled = (
  hit: SearchHit,
  use: MemoryUse | undefined,
  policy: LongTermPolicy,
  now: number,
): RecalledMemory | undefined => {
  const { memoryKind, origin, uses, at } = hit.metadata;
  const kind = KINDS.find((each) => each === memoryKind);
  const memory = { at: Number(at), uses: Number(uses) };
  if (!kind || !Number.isFinite(memory.at) || !Number.isFinite(memory.uses)) return undefined;
  // Nobody has pruned it yet.
  if (lastUseOf(memory, use) + policy.ttlMs * 1_000 <= now || hit.score < LEAST_SIMILARITY) return undefined;
  return {
    memoryId: memoryIdOfDocument(hit.documentId),
    kind,
    origin: originOf(origin),
    title: hit.title,
    text: cutText(hit.text, TEXT_CHARACTERS),
    similarity: hit.score,
    score: recallScore(hit.score, worthOf(memory, use, policy, now)),
    ...memory,
    flags: hit.flags ?? [],
  };
};

export const createRecallMemories =
  (settings: {
    readonly retriever: Retriever;
    readonly uses: UseCounts;
    readonly clock: Clock;
    readonly onTrouble: (error: Error) => void;
  }): RecallMemories =>
  async (ask, policy, signal) => {
    const { agent, tenant } = ask;
    const { hits } = await settings.retriever.search(
      {
        query: ask.text.slice(0, QUERY_CHARACTERS),
        tenant,
        memoriesOf: agent,
        topK: Math.min(MOST_HITS, policy.topK * DEPTH),
        maxPerDocument: 1,
        mode: 'vector',
      },
      signal,
    );
    const now = settings.clock();
    // What was learned long ago stands while it is recalled: of such alone the counters are asked.
    const isOld = (hit: SearchHit): boolean => learnedAt(hit) + policy.ttlMs * 1_000 <= now;
    const used: ReadonlyMap<string, MemoryUse> = hits.some(isOld)
      ? await settings.uses.read(namespaceOf(ask)).catch((error) => {
          settings.onTrouble(error);
          return new Map();
        })
      : new Map();
    const best = hits
      .flatMap((hit) => recalled(hit, used.get(memoryIdOfDocument(hit.documentId)), policy, now) ?? [])
      .sort((a, b) => b.score - a.score || (a.memoryId < b.memoryId ? -1 : 1))
      .slice(0, policy.topK);
    const ids = best.map(({ memoryId }) => memoryId);
    // A hint for pruning: an execution waits for no counter.
    void settings.uses.add(namespaceOf(ask), ids, now).catch(settings.onTrouble);
    return best;
  };
