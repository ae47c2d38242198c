/** The outside edge of tests: a retriever over fixed texts, ranked by shared words. */
import type { Receipt, Retriever, SearchHit } from '../../schemas/search.ts';

const TEXTS = [
  {
    title: 'Returns',
    text: 'You can return a product within 30 days of delivery. The refund takes five days.',
  },
  { title: 'Battery', text: 'The battery of the Lumen lamp lasts twelve hours. Charging takes two hours.' },
  { title: 'Shipping', text: 'We ship to all of Europe. Parcels arrive within three working days.' },
];

const words = (text: string): ReadonlySet<string> => new Set(text.toLowerCase().match(/[a-z]+/g));

export const RECEIPT: Receipt = {
  index: 'fixed',
  at: 1_000_000,
  watermarks: {
    help: {
      state: 'unknown',
      reason: 'not-tracked-yet',
      epoch: null,
      position: null,
      committedAt: null,
      stalenessMs: null,
      heldTables: {},
      quarantined: 0,
      deadLettered: 0,
    },
  },
  stalenessMs: null,
  fresh: null,
  newestApplied: {},
};

export const fixedRetriever = (onSearch: () => void = () => undefined): Retriever => ({
  search: async ({ query, topK }) => {
    onSearch();
    const asked = words(query);
    const hits = TEXTS.map(({ title, text }, index): SearchHit => {
      const shared = [...words(`${title} ${text}`)].filter((word) => asked.has(word)).length;
      return {
        documentId: `help/public.articles/${index + 1}`,
        chunk: 0,
        title,
        text,
        score: shared,
        metadata: {},
        version: `00000000-000000000000000${index + 1}`,
        ageMs: 100 * (index + 1),
      };
    });
    return { hits: hits.sort((a, b) => b.score - a.score).slice(0, topK), receipt: RECEIPT };
  },
});
