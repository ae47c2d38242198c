// The sample source, with the number of each article as a filter: a look asks for the one row that changed.
import config from '../freshet.config.ts';
import { parseConfig } from '../schemas/config.ts';

const { helpcentre } = config.sources;
const articles = helpcentre?.tables['public.articles'];
if (!helpcentre || !articles) throw new Error('the sample source has no articles');

export default parseConfig({
  ...config,
  sources: {
    helpcentre: {
      ...helpcentre,
      tables: {
        ...helpcentre.tables,
        'public.articles': {
          ...articles,
          metadata: (row) => ({ ...articles.metadata?.(row), row: String(row.id) }),
        },
      },
    },
  },
} satisfies typeof config);
