// Feeds the overview with what its neighbours hear. What was heard too long ago counts no more.
import { byId, make } from './elements.js';
import { FIGURE_PLACES, overviewOf } from './overview-figures.js';

const EVERY_MS = 1_000;
/** Freshness comes each second, status every three, agents and budgets every five. */
const HEARD_FOR_MS = 20_000;
const POLLED = new Set(['agents', 'budgets']);

const createFigure = ({ name, section }) => {
  const value = make('strong');
  const note = make('small');
  const link = make(
    'a',
    { href: `#${section}`, 'data-tone': 'unknown' },
    make('span', { class: 'name', text: name }),
    value,
    note,
  );
  const put = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  return {
    item: make('li', {}, link),
    update: (figure) => {
      link.dataset.tone = figure.tone;
      link.title = figure.note;
      put(value, figure.value);
      put(note, figure.note);
    },
  };
};

export const createOverview = () => {
  const figures = FIGURE_PLACES.map(createFigure);
  const verdict = byId('overview-verdict');
  byId('overview-figures').replaceChildren(...figures.map(({ item }) => item));
  const heard = new Map();
  let isLive = false;

  const recent = () => {
    const after = performance.now() - HEARD_FOR_MS;
    const stream = isLive && (heard.get('freshness')?.at ?? 0) > after;
    return Object.fromEntries(
      [...heard].flatMap(([name, { value, at }]) => {
        // Safety comes only where it has changed: it holds as long as the stream does.
        const counts = name === 'safety' ? stream : at > after && (stream || POLLED.has(name));
        return counts ? [[name, value]] : [];
      }),
    );
  };

  const show = () => {
    const { figures: now, verdict: said } = overviewOf(recent());
    for (const [at, figure] of now.entries()) figures[at].update(figure);
    verdict.dataset.tone = said.tone;
    if (verdict.textContent !== said.text) verdict.textContent = said.text;
  };

  setInterval(show, EVERY_MS);
  show();

  return {
    /** `value` undefined: it was asked for, and there was no answer. */
    hear: (name) => (value) => {
      heard.set(name, { value, at: performance.now() });
      show();
    },
    live: (state) => {
      isLive = state === 'live';
      show();
    },
  };
};
