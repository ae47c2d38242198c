// Documents: search as an agent does it, and the way of one from its row to the index.
import { documentIdOf } from './document-id.js';
import { documentLink, followDocumentLinks } from './document-link.js';
import { traceShown } from './document-trace.js';
import { byId, empty, make, pill, requiredText } from './elements.js';
import { ago, duration, shortVersion } from './format.js';
import { request } from './requests.js';

const hit = ({ title, text, score, ageMs, version, documentId, stale, flags = [] }) =>
  make(
    'article',
    { class: 'hit' },
    make(
      'div',
      { class: 'head' },
      make('span', { text: title }),
      make('span', { class: 'age', text: `${duration(ageMs)} old` }),
    ),
    make('p', { text }),
    stale ? make('p', {}, pill(`stale: what the row became was refused (${stale.reason})`, 'warn')) : null,
    flags.length > 0
      ? make(
          'p',
          {},
          flags.map((flag) => pill(flag, 'warn')),
        )
      : null,
    make('div', { class: 'muted' }, `score ${score.toFixed(3)} · version ${shortVersion(version)}`),
    make('span', { class: 'mono' }, documentLink(documentId)),
  );

const receipt = ({ index, stalenessMs, newestApplied }) => {
  const newest = Object.entries(newestApplied).map(
    ([source, { committedAt }]) => `${source} ${ago(new Date(committedAt / 1_000).toISOString())}`,
  );
  return make(
    'p',
    { class: 'muted' },
    stalenessMs === null ? 'Staleness unknown' : `At most ${duration(stalenessMs)} stale`,
    newest.length > 0 ? `; newest applied commit: ${newest.join(', ')}` : '',
    ` (${index})`,
  );
};

export const createDocumentsPanel = () => {
  const form = byId('search-form');
  const hits = byId('search-hits');
  const picker = byId('document-form');
  const shown = byId('document-trace');
  const tables = byId('document-tables');
  let asked = 0;

  const trace = async (documentId) => {
    asked += 1;
    const mine = asked;
    picker.elements.id.value = documentId;
    shown.replaceChildren(make('p', { class: 'muted', text: 'Tracing …' }));
    picker.scrollIntoView({ block: 'start' });
    try {
      const found = await request(`/v1/documents?id=${encodeURIComponent(documentId)}`);
      if (mine === asked) shown.replaceChildren(traceShown(found));
    } catch (error) {
      if (mine === asked) shown.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  };

  picker.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = requiredText(picker.elements.id);
    if (text !== '') void trace(documentIdOf(text));
  });

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { query, tenant } = Object.fromEntries(new FormData(form));
    try {
      const found = await request('/v1/search', { query, topK: 6, ...(tenant ? { tenant } : {}) });
      hits.replaceChildren(
        make(
          'div',
          { class: 'result' },
          receipt(found.receipt),
          found.hits.length === 0 ? empty('Nothing was found.') : found.hits.map(hit),
        ),
      );
    } catch (error) {
      hits.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  });
  followDocumentLinks(trace);

  return (status) => {
    const beginnings = status.sources.flatMap(({ source, tables: watched }) =>
      watched.map(({ table }) => `${source}/${table}/`),
    );
    if (tables.options.length !== beginnings.length)
      tables.replaceChildren(...beginnings.map((value) => make('option', { value })));
  };
};
