/** The sample data as documents of its mapping. */
import { sampleRow } from '../../../connectors/sample-source/sample-row.ts';
import type { Draft } from '../../../pipelines/index-documents/draft.ts';

export const SAMPLE_ROWS: readonly Draft[] = Array.from({ length: 800 }, (_, at): Draft => {
  const row = sampleRow(7, at);
  const { tenant } = row;
  switch (row.table) {
    case 'articles':
      return { tenant, title: row.title, text: row.body, metadata: { category: row.category } };
    case 'products':
      return { tenant, title: row.name, text: `${row.summary} Price: ${row.price}.`, metadata: {} };
    default:
      return { tenant, title: row.title, text: `${row.description} Status: ${row.status}.`, metadata: {} };
  }
});
