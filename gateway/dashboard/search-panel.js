// Search as an agent does it, and the way of a document from its row to the index.
import { byId, empty, make, pill } from './elements.js';
import { ago, duration, shortVersion } from './format.js';
import { request } from './requests.js';

const hit = ({ title, text, score, ageMs, version, documentId, stale, flags = [] }, onTrace) =>
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
    make('button', {
      class: 'linklike mono',
      type: 'button',
      text: documentId,
      onclick: () => onTrace(documentId),
    }),
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

const traceList = (trace) => {
  const { record } = trace;
  const term = (name, ...value) => make('div', {}, make('dt', { text: name }), make('dd', {}, ...value));
  const there = record.chunks.filter((chunk) => chunk.inIndex).length;
  return make(
    'dl',
    { class: 'trace' },
    term('Document', make('strong', { text: record.title || record.kind })),
    term('Row change', make('span', { class: 'mono', text: trace.change })),
    term('Record', make('span', { class: 'mono', text: trace.position })),
    term(
      'Version',
      make('span', { class: 'mono', text: shortVersion(record.version) }),
      ` committed ${ago(new Date(record.timing.committedAt / 1_000).toISOString())}`,
    ),
    term(
      'Chunks',
      `${record.chunks.length}, of them in the index: ${there} `,
      pill(
        there === record.chunks.length ? 'complete' : 'incomplete',
        there === record.chunks.length ? 'good' : 'bad',
      ),
    ),
    trace.versions.length > 1
      ? term(
          'Earlier versions',
          make('span', {
            class: 'mono',
            text: trace.versions
              .slice(1, 8)
              .map((each) => `${shortVersion(each.version)} ${each.kind} ${each.position}`)
              .join('\n'),
          }),
        )
      : null,
    trace.quarantined.length > 0
      ? term('Quarantined', trace.quarantined.map((each) => `${each.gate}: ${each.reason}`).join(', '))
      : null,
  );
};

export const createSearchPanel = () => {
  const form = byId('search-form');
  const hits = byId('search-hits');

  const trace = async (documentId) => {
    hits.replaceChildren(make('p', { class: 'muted', text: 'Tracing …' }));
    hits.scrollIntoView({ block: 'nearest' });
    try {
      const found = await request(`/v1/documents?id=${encodeURIComponent(documentId)}`);
      hits.replaceChildren(
        make('div', { class: 'result' }, make('p', { class: 'mono', text: documentId }), traceList(found)),
      );
    } catch (error) {
      hits.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  };

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
          found.hits.length === 0 ? empty('Nothing was found.') : found.hits.map((each) => hit(each, trace)),
        ),
      );
    } catch (error) {
      hits.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  });
  return { trace };
};
