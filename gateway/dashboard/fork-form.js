// Goes on from a step as a new live execution: first says what that would be, and does it when a person says so.
import { make } from './elements.js';
import { many } from './format.js';
import { request } from './requests.js';

const SAID = {
  declared: 'can be undone',
  undeclared: 'its tool does not say how to undo it: it stands',
  unknown: 'whether it happened is not known: look',
};

const effectItem = ({ step, tool, kind, costUsd }) => {
  const cost = kind === 'declared' && costUsd !== null ? `, for $${costUsd}` : '';
  return make('li', { text: `Step ${step}, ${tool}: ${SAID[kind]}${cost}` });
};

/** Fills `host` with the question; `onForked` is told the new execution's id. */
export const openForkForm = async (host, executionId, step, onForked) => {
  const path = `/v1/executions/${encodeURIComponent(executionId)}/fork`;
  const fail = (error) => host.replaceChildren(make('p', { class: 'trouble', text: error.message }));
  let planned;
  try {
    planned = await request(path, { step, dryRun: true });
  } catch (error) {
    fail(error);
    return;
  }
  const undoable = planned.effects.some(({ kind }) => kind === 'declared');
  const reason = make('input', { maxlength: '500', autocomplete: 'off' });
  const undo = make('input', { type: 'checkbox' });
  const confirm = make('button', { class: 'primary', type: 'button', text: 'Go on from here' });
  const cancel = make('button', {
    class: 'secondary',
    type: 'button',
    text: 'Cancel',
    onclick: () => host.replaceChildren(),
  });
  confirm.addEventListener('click', async () => {
    confirm.disabled = true;
    try {
      const why = reason.value.trim();
      const forked = await request(path, { step, compensate: undo.checked, ...(why ? { reason: why } : {}) });
      host.replaceChildren(
        make('p', { class: 'muted', role: 'status', text: `It goes on as ${forked.executionId}.` }),
      );
      onForked(forked.executionId);
    } catch (error) {
      fail(error);
    }
  });
  host.replaceChildren(
    make(
      'div',
      { class: 'fork' },
      make('p', {
        text: `A new live execution takes over ${many(planned.takenOver.events, 'event')}, up to step ${planned.takenOver.step}, and decides the rest anew, at its own cost.`,
      }),
      planned.effects.length === 0
        ? null
        : make('p', { text: 'After that step this execution changed things outside:' }),
      planned.effects.length === 0 ? null : make('ul', {}, planned.effects.map(effectItem)),
      undoable ? make('label', { class: 'check' }, undo, 'Undo first what can be undone') : null,
      make('label', { class: 'field' }, make('span', { text: 'Why, for the audit' }), reason),
      make('div', { class: 'actions' }, confirm, cancel),
    ),
  );
  confirm.focus();
};
