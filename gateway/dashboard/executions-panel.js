// Executions as they run, newest first; each opens into its timeline. Rows are kept and changed in place, so that
// whoever reads or tabs through them is not thrown out by the next event.
import { byId, make, pill } from './elements.js';
import { createExecutionDetail } from './execution-detail.js';
import { ago, duration, usd } from './format.js';
import { request } from './requests.js';

const MAX_ROWS = 60;
const FIRST_ROWS = 10;
const MORE_ROWS = 25;
const TONES = { pending: undefined, processing: 'live', completed: 'good', failed: 'bad' };

const stateOf = ({ state, outcome }) =>
  outcome === 'halted' ? pill('halted', 'warn') : pill(state, TONES[state]);

const timeOf = (execution) => Date.parse(execution.createdAt ?? execution.startedAt ?? 0) || 0;

export const createExecutionsPanel = (versionsOf) => {
  const list = byId('execution-list');
  const filters = byId('execution-filters');
  const nothing = byId('executions-empty');
  const more = byId('executions-more');
  const rows = new Map();
  let wanted = FIRST_ROWS;

  const createRow = (id) => {
    const row = {
      state: make('span'),
      question: make('span', { class: 'question' }),
      time: make('span', { class: 'ago' }),
      meta: make('span', { class: 'meta' }),
      detail: make('div', { class: 'detail', id: `detail-${id}`, hidden: true }),
    };
    row.button = make(
      'button',
      {
        class: 'execution',
        type: 'button',
        'aria-expanded': 'false',
        'aria-controls': `detail-${id}`,
        onclick: () => toggle(row),
      },
      row.state,
      row.question,
      row.time,
      row.meta,
    );
    row.item = make('li', {}, row.button, row.detail);
    return row;
  };

  const toggle = (row, open = row.detail.hidden) => {
    row.detail.hidden = !open;
    row.button.setAttribute('aria-expanded', String(open));
    if (!open) {
      row.view = undefined;
      row.detail.replaceChildren();
      return;
    }
    row.view = createExecutionDetail(row.detail, row.execution.executionId, versionsOf);
    row.view.refresh();
  };

  const update = (row, execution) => {
    const changed = JSON.stringify(row.execution) !== JSON.stringify(execution);
    row.execution = execution;
    if (!changed) return;
    row.state.replaceChildren(stateOf(execution));
    row.question.textContent = execution.input || '(no input)';
    row.time.textContent = ago(execution.createdAt);
    const meta = [
      execution.agent,
      execution.durationMs === null
        ? execution.state === 'processing'
          ? 'running'
          : 'waiting'
        : duration(execution.durationMs),
      `${execution.steps} ${execution.steps === 1 ? 'step' : 'steps'}`,
      usd(execution.costUsd),
      execution.tenant ?? 'no tenant',
      execution.error ? execution.error.code : null,
    ];
    row.meta.replaceChildren(...meta.filter(Boolean).map((text) => make('span', { text })));
    row.view?.refresh();
  };

  const show = () => {
    const { agent, state } = Object.fromEntries(new FormData(filters));
    const sorted = [...rows.values()].sort((a, b) => timeOf(b.execution) - timeOf(a.execution));
    const open = sorted.slice(MAX_ROWS).filter((row) => !row.detail.hidden);
    for (const row of sorted.slice(MAX_ROWS)) {
      if (!row.detail.hidden) continue;
      rows.delete(row.execution.executionId);
      row.item.remove();
    }
    const shown = [...sorted.slice(0, MAX_ROWS), ...open];
    let visible = 0;
    let withheld = 0;
    let before = null;
    for (const row of shown) {
      const fits = (!agent || row.execution.agent === agent) && (!state || row.execution.state === state);
      visible += fits ? 1 : 0;
      // One that is open stays, however many have come since.
      const waits = fits && visible > wanted && row.detail.hidden;
      withheld += waits ? 1 : 0;
      row.item.hidden = !fits || waits;
      const place = before ? before.nextSibling : list.firstChild;
      if (place !== row.item) list.insertBefore(row.item, place);
      before = row.item;
    }
    more.hidden = withheld === 0;
    if (withheld > 0) more.textContent = `Show ${Math.min(withheld, MORE_ROWS)} more`;
    nothing.hidden = visible > 0;
    nothing.textContent =
      rows.size === 0
        ? 'No executions yet. Ask an agent, and watch it work here.'
        : 'No execution fits this filter.';
  };

  /** One that is no longer among the recent ones: its summary is asked for, and then it is a row like any other. */
  const openOlder = async (executionId) => {
    const execution = await request(`/v1/executions/${encodeURIComponent(executionId)}`).catch(() => null);
    if (!execution) return;
    const row = rows.get(executionId) ?? createRow(executionId);
    rows.set(executionId, row);
    update(row, execution);
    filters.reset();
    toggle(row, true);
    show();
    row.button.scrollIntoView({ block: 'start' });
    row.button.focus();
  };

  filters.addEventListener('change', show);
  more.addEventListener('click', () => {
    wanted += MORE_ROWS;
    show();
  });
  setInterval(() => {
    for (const row of rows.values()) row.time.textContent = ago(row.execution.createdAt);
  }, 5_000);
  show();

  return {
    update: (executions) => {
      for (const execution of executions) {
        const row = rows.get(execution.executionId) ?? createRow(execution.executionId);
        rows.set(execution.executionId, row);
        update(row, execution);
      }
      show();
    },
    agents: (names) => {
      const select = filters.elements.agent;
      const known = [...select.options].map((option) => option.value);
      for (const name of names)
        if (!known.includes(name)) select.append(make('option', { value: name, text: name }));
    },
    open: (executionId) => {
      const row = rows.get(executionId);
      if (!row) return void openOlder(executionId);
      filters.reset();
      toggle(row, true);
      show();
      row.button.scrollIntoView({ block: 'start' });
      row.button.focus();
    },
  };
};
