// One dead letter: what was wrong with it, and the beginning of the record itself once somebody opens it.
import { askRedrive } from './ask-redrive.js';
import { make, pill, since } from './elements.js';
import { many, visible } from './format.js';
import { request } from './requests.js';

const part = (name, text) =>
  make(
    'div',
    {},
    make('p', { class: 'muted', text: name }),
    make('pre', { tabindex: '0', text: visible(text) }),
  );

const recordParts = ({ key, headers, value, valueBytes, inLog }) => [
  key === null ? null : part('key', key),
  Object.keys(headers).length === 0
    ? null
    : part(
        'headers',
        Object.entries(headers)
          .map(([name, text]) => `${name}: ${text}`)
          .join('\n'),
      ),
  inLog ? null : make('p', { class: 'muted', text: 'Its topic keeps the record no more.' }),
  value === null
    ? null
    : part(
        `value, ${many(valueBytes, 'byte')}${value.text === null ? ', the first of them in hexadecimal' : ''}`,
        value.text ?? value.hex,
      ),
];

/** `update` takes the letter as it is now; `onDone` is told what a redrive did. */
export const createDeadLetterItem = (letter, onDone) => {
  const { place, stage, message, at } = letter;
  const state = make('span');
  const record = make('div');
  const asking = make('div');
  const button = make('button', {
    class: 'secondary',
    type: 'button',
    text: 'Redrive',
    'aria-label': `Redrive ${place}`,
    onclick: () => askRedrive(asking, { places: [place], back: button }, onDone),
  });
  let loaded = false;
  const load = async () => {
    loaded = true;
    try {
      const found = await request(`/v1/dead-letters/record?place=${encodeURIComponent(place)}`);
      record.replaceChildren(...recordParts(found).filter((each) => each !== null));
    } catch (error) {
      loaded = false;
      record.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  };
  const element = make(
    'details',
    {
      class: 'refusal',
      ontoggle: () => {
        if (element.open && !loaded) void load();
      },
    },
    make('summary', {}, make('span', { class: 'mono', text: place }), ' · ', since(at), ' ', state),
    make('p', { text: `${visible(message)} (${stage})` }),
    record,
    make('div', { class: 'actions' }, button),
    asking,
  );
  const update = ({ redriven }) => state.replaceChildren(...(redriven ? [pill('redriven', 'good')] : []));
  update(letter);
  return { element, update };
};
