// What Freshet runs with here: the sample help centre and its agent. Copy a mapping to add a table of your own.
import { SAMPLE_AGENTS } from './agents/sample-agents.ts';
import { defineConfig, mapResult, mapTable } from './schemas/config.ts';

type Article = {
  id: bigint;
  tenant: string;
  title: string;
  category: string;
  body: string;
  product_id: bigint | null;
};
type Product = { id: bigint; tenant: string; name: string; summary: string; price: string };
type Incident = {
  id: bigint;
  tenant: string;
  title: string;
  status: string;
  severity: string;
  description: string;
};

export default defineConfig({
  sources: {
    helpcentre: {
      kind: 'postgres',
      url: 'sample',
      tables: {
        'public.articles': mapTable<Article>({
          title: (article) => article.title,
          text: (article) => article.body,
          tenant: (article) => article.tenant,
          metadata: (article) => ({
            kind: 'article',
            category: article.category,
            product: article.product_id,
          }),
        }),
        'public.products': mapTable<Product>({
          title: (product) => product.name,
          text: (product) => `${product.summary} Price: ${product.price}.`,
          tenant: (product) => product.tenant,
          metadata: () => ({ kind: 'product' }),
        }),
        'public.incidents': mapTable<Incident>({
          title: (incident) => incident.title,
          text: (incident) => `${incident.description} Status: ${incident.status}.`,
          tenant: (incident) => incident.tenant,
          metadata: (incident) => ({
            kind: 'incident',
            status: incident.status,
            severity: incident.severity,
          }),
        }),
      },
    },
  },
  agents: [...SAMPLE_AGENTS],
  // The closed loop: what this agent writes is found like a row, and says that an agent wrote it.
  results: {
    digest: mapResult<{ topic: string; digest: string }>({
      title: ({ value }) => `Digest: ${value.topic}`,
      text: ({ value }) => value.digest,
    }),
  },
  localTenant: 'tarnwell',
});
