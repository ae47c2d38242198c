// Hands a task to an agent and shows its answer as it comes.
import { documentLink } from './document-link.js';
import { byId, make, pill } from './elements.js';
import { createFeedbackForm } from './feedback-form.js';
import { duration } from './format.js';
import { request } from './requests.js';

const ASK_AGAIN_MS = 2_000;
const TONES = { pending: undefined, processing: 'live', completed: 'good', failed: 'bad' };

export const createTaskPanel = (onShow) => {
  const form = byId('task-form');
  const host = byId('task-answer');
  let stream;

  const watch = (taskId) => {
    const state = make('span', {}, pill('pending'));
    const text = make('p', { class: 'answer', text: '…' });
    const below = make('div');
    host.replaceChildren(make('div', { class: 'result' }, make('div', {}, state), text, below));
    const told = { epoch: -1, steps: new Map() };
    stream?.close();
    const place = `/v1/tasks/${encodeURIComponent(taskId)}`;
    const own = new EventSource(`${place}/events`);
    stream = own;
    const setState = (name) => state.replaceChildren(pill(name, TONES[name]));
    const end = (task) => {
      own.close();
      setState(task.outcome === 'halted' ? 'failed' : task.state);
      text.textContent =
        task.result?.text ?? (task.error ? `${task.error.code}: ${task.error.message}` : 'No answer.');
      if (task.error) text.dataset.tone = 'bad';
      below.replaceChildren(...outcome(task, onShow));
    };
    const ask = async () => {
      while (stream === own) {
        let note = make('p', {
          class: 'muted',
          text: 'Its words do not come as they are said: it is asked for.',
        });
        try {
          const task = await request(place);
          if (stream !== own) return;
          if (task.state === 'completed' || task.state === 'failed') return end(task);
          setState(task.state);
        } catch (error) {
          note = make('p', { class: 'trouble', text: error.message });
        }
        below.replaceChildren(note);
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      }
    };

    own.addEventListener('task', (event) => setState(JSON.parse(event.data).state));
    own.addEventListener('text', (event) => {
      const chunk = JSON.parse(event.data);
      // A worker that took the task over tells its steps again.
      if (chunk.epoch > told.epoch) told.steps.clear();
      told.epoch = Math.max(told.epoch, chunk.epoch);
      told.steps.set(chunk.step, (told.steps.get(chunk.step) ?? '') + chunk.text);
      text.textContent = told.steps.get(chunk.step);
    });
    own.addEventListener('tool-call', (event) => {
      text.textContent = `Looking further: ${JSON.parse(event.data).text}`;
    });
    own.addEventListener('result', (event) => end(JSON.parse(event.data)));
    // After an answer that is no stream the browser gives up: a page has its limit of them.
    own.addEventListener('error', () => {
      if (own.readyState === EventSource.CLOSED) void ask();
    });
  };

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { input, agent, tenant, feature } = Object.fromEntries(new FormData(form));
    const button = form.querySelector('button');
    button.disabled = true;
    try {
      const { taskId } = await request('/v1/tasks', {
        ...{ agent, input },
        ...(tenant ? { tenant } : {}),
        ...(feature ? { feature } : {}),
      });
      watch(taskId);
    } catch (error) {
      host.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
    button.disabled = false;
  });

  // Enter submits, as in a search; Shift and Enter is a new line.
  form.elements.input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });

  return {
    agents: (names) => {
      const select = form.elements.agent;
      if (select.options.length === names.length) return;
      select.replaceChildren(...names.map((name) => make('option', { value: name, text: name })));
    },
  };
};

const outcome = (task, onShow) => {
  const citations = task.result?.citations ?? [];
  const receipt = task.receipt ?? {};
  const staleness =
    typeof receipt.stalenessMs === 'number'
      ? `at most ${duration(receipt.stalenessMs)} stale`
      : 'staleness unknown';
  return [
    citations.length === 0
      ? null
      : make(
          'ul',
          { class: 'cited' },
          citations.map(({ number, title, documentId, ageMs }) =>
            make(
              'li',
              {},
              make(
                'div',
                { class: 'head' },
                documentLink(documentId, `[${number}] ${title}`),
                make('span', { class: 'age', text: ageMs === null ? '' : `${duration(ageMs)} old` }),
              ),
            ),
          ),
        ),
    make('p', { class: 'muted', text: `Context: ${receipt.chunks?.length ?? 0} chunks, ${staleness}.` }),
    make('button', {
      class: 'linklike',
      type: 'button',
      text: 'Show its steps',
      onclick: () => onShow(task.executionId),
    }),
    createFeedbackForm(task.taskId),
  ].filter(Boolean);
};
