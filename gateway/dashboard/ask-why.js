// Asks for a reason before something is done that is written down: nothing happens without one.
import { make, requiredText } from './elements.js';

/**
 * Puts the question into `host`; `act(reason)` does it, and what it throws is shown there. Escape or Cancel takes the question back
 * and gives the focus to `back`.
 */
export const askWhy = (host, { says, confirm, tone, back }, act) => {
  const reason = make('input', { maxlength: '500', autocomplete: 'off', required: true });
  const trouble = make('div', { role: 'alert' });
  const button = make('button', { class: tone ?? 'primary', type: 'submit', text: confirm });
  const close = () => {
    host.replaceChildren();
    back?.focus();
  };
  const form = make(
    'form',
    {
      class: 'ask-why',
      onkeydown: (event) => {
        if (event.key === 'Escape') close();
      },
      onsubmit: async (event) => {
        event.preventDefault();
        const why = requiredText(reason);
        if (why === '') return;
        button.disabled = true;
        try {
          await act(why);
          close();
        } catch (error) {
          trouble.replaceChildren(make('p', { class: 'trouble', text: error.message }));
          button.disabled = false;
        }
      },
    },
    make('p', { text: says }),
    make('label', { class: 'field' }, make('span', { text: 'Why, for the audit' }), reason),
    make(
      'div',
      { class: 'actions' },
      button,
      make('button', { class: 'secondary', type: 'button', text: 'Cancel', onclick: close }),
    ),
    trouble,
  );
  host.replaceChildren(form);
  reason.focus();
};
