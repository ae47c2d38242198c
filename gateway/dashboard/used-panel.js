// Which decisions had a document or a memory before them, between two places of the journal.
import { byId, make, pill } from './elements.js';
import { duration, many } from './format.js';
import { requestLines } from './requests.js';

const MAX_SHOWN = 100;

const item = ({ executionId, agent, brought, decisions, cited, ended }, onOpen) =>
  make(
    'li',
    {},
    make(
      'div',
      { class: 'head' },
      make('button', {
        class: 'linklike',
        type: 'button',
        text: executionId,
        onclick: () => onOpen(executionId),
      }),
      make('span', { class: 'age', text: agent }),
    ),
    cited ? pill('cited in the answer', 'good') : null,
    ended ? null : pill('its end was not read', 'warn'),
    make('p', {
      text: brought
        .map(
          ({ step, via, ageMs }) =>
            `by ${via} in step ${step}${ageMs === null ? '' : `, ${duration(ageMs)} old`}`,
        )
        .join('; '),
    }),
    make('p', {
      text:
        decisions.length === 0
          ? 'no decision after it'
          : `before: ${decisions.map(({ step, kind, name }) => `${step} ${kind}${name && kind === 'tool' ? ` ${name}` : ''}`).join(', ')}`,
    }),
    make('span', { class: 'mono muted', text: brought[0]?.position ?? '' }),
  );

export const createUsedPanel = (onOpen) => {
  const form = byId('used-form');
  const host = byId('used-result');
  let running;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    running?.abort();
    running = new AbortController();
    const { used, from, to } = Object.fromEntries(new FormData(form));
    const query = new URLSearchParams({ used: used.trim() });
    if (from.trim()) query.set('from', from.trim());
    if (to.trim()) query.set('to', to.trim());
    const note = make('p', { class: 'muted', role: 'status', text: 'Reading the journal …' });
    const list = make('ul', { class: 'cited' });
    host.replaceChildren(note, list);
    try {
      await requestLines(
        `/v1/executions?${query}`,
        undefined,
        (line) => {
          if (line.done)
            note.textContent = `${many(line.executions, 'execution')} had it; ${many(line.read, 'record')} read${line.executions > MAX_SHOWN ? `; the first ${MAX_SHOWN} are shown, the rest by: npx freshet execution list --used` : ''}`;
          else if (list.children.length < MAX_SHOWN) list.append(item(line, onOpen));
        },
        running.signal,
      );
    } catch (error) {
      if (error.name !== 'AbortError') note.replaceWith(make('p', { class: 'trouble', text: error.message }));
    }
  });
};
