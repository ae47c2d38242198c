// Says what somebody thinks of an answer: useful or not, and why where they like to say.
import { make } from './elements.js';
import { request } from './requests.js';

/** `onGiven` is told once it is kept. */
export const createFeedbackForm = (taskId, onGiven = () => undefined) => {
  const comment = make('input', { maxlength: '2000', autocomplete: 'off' });
  const said = make('span', { class: 'muted', role: 'status' });
  const give = async (score, word) => {
    said.textContent = '';
    const why = comment.value.trim();
    try {
      await request(`/v1/tasks/${encodeURIComponent(taskId)}/feedback`, {
        score,
        ...(why ? { comment: why } : {}),
      });
      comment.value = '';
      said.textContent = `Kept: ${word}.`;
      onGiven();
    } catch (error) {
      said.textContent = error.message;
    }
  };
  const button = (text, score) =>
    make('button', {
      class: 'secondary',
      type: 'button',
      text,
      onclick: () => give(score, text.toLowerCase()),
    });
  return make(
    'div',
    { class: 'feedback', role: 'group', 'aria-label': 'What you think of this answer' },
    make('label', { class: 'field' }, make('span', { text: 'A comment on the answer (optional)' }), comment),
    make('div', { class: 'actions' }, button('Useful', 1), button('Not useful', 0), said),
  );
};

/** What people thought of it, the newest first. */
export const feedbackShown = (given) =>
  given.length === 0
    ? null
    : make(
        'ul',
        { class: 'given', 'aria-label': 'Feedback' },
        given.map(({ by, score, comment }) =>
          make('li', { text: `${score} by ${by}${comment === null ? '' : `: ${comment}`}` }),
        ),
      );
