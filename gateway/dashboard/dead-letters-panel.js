// What could not be processed, by topic and reason. A group stays as it is while others come, so that what is opened or typed in it is
// not lost.
import { askRedrive } from './ask-redrive.js';
import { createDeadLetterItem } from './dead-letter-item.js';
import { byId, empty, make, pill, since } from './elements.js';
import { count } from './format.js';
import { request } from './requests.js';

const SHOWN_FIRST = 20;
const SHOWN_MOST = 1_000;

const nameOf = ({ topic, reason }) => `${topic} ${reason}`;

const lettersOf = ({ topic, reason }, limit) =>
  request(`/v1/dead-letters?${new URLSearchParams({ topic, reason, limit })}`);

const createGroup = (first, onDone) => {
  const sum = make('span', { class: 'letters-sum' });
  const list = make('div');
  const trouble = make('div', { role: 'alert' });
  const asking = make('div');
  const items = new Map();
  let kind = first;
  let limit = SHOWN_FIRST;
  let loading = false;
  let again = false;

  const show = ({ items: letters, held }) => {
    const wanted = new Set(letters.map(({ place }) => place));
    for (const [place, { element }] of items) {
      if (wanted.has(place)) continue;
      element.remove();
      items.delete(place);
    }
    // What is there already is not moved: it would lose the focus.
    let before = null;
    for (const letter of [...letters].reverse()) {
      const item = items.get(letter.place) ?? createDeadLetterItem(letter, onDone);
      if (items.has(letter.place)) item.update(letter);
      else {
        items.set(letter.place, item);
        list.insertBefore(item.element, before);
      }
      before = item.element;
    }
    more.hidden = held <= letters.length;
    more.textContent = `Show all ${count(held)}`;
  };

  const load = async () => {
    again = loading;
    if (loading) return;
    loading = true;
    try {
      show(await lettersOf(kind, limit));
      trouble.replaceChildren();
    } catch (error) {
      trouble.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
    loading = false;
    if (again) await load();
  };

  const redriveAll = make('button', {
    class: 'secondary',
    type: 'button',
    onclick: async () => {
      redriveAll.disabled = true;
      try {
        const { items: letters } = await lettersOf(kind, SHOWN_MOST);
        const places = letters.filter(({ redriven }) => !redriven).map(({ place }) => place);
        if (places.length > 0) await askRedrive(asking, { places, back: redriveAll }, onDone);
      } catch (error) {
        trouble.replaceChildren(make('p', { class: 'trouble', text: error.message }));
      } finally {
        redriveAll.disabled = false;
      }
    },
  });
  const more = make('button', {
    class: 'secondary more',
    type: 'button',
    hidden: true,
    onclick: () => {
      limit = SHOWN_MOST;
      void load();
    },
  });
  const element = make(
    'details',
    {
      class: 'letters',
      ontoggle: () => {
        if (element.open) void load();
      },
    },
    make(
      'summary',
      {},
      make('span', { class: 'mono', text: kind.topic }),
      ' ',
      make('strong', { text: kind.reason }),
      ' ',
      sum,
    ),
    make('div', { class: 'actions' }, redriveAll),
    asking,
    trouble,
    list,
    more,
  );

  let said = '';
  const update = (now) => {
    const text = JSON.stringify(now);
    if (text === said) return;
    const isNews = said !== '';
    said = text;
    kind = now;
    const open = now.count - now.redriven;
    sum.replaceChildren(
      pill(open === 0 ? `${count(now.count)}, all redriven` : count(now.count), open === 0 ? 'good' : 'warn'),
      make(
        'span',
        { class: 'muted' },
        open > 0 && now.redriven > 0 ? ` ${count(now.redriven)} redriven,` : '',
        ' first ',
        since(now.firstAt),
        ', last ',
        since(now.lastAt),
      ),
    );
    redriveAll.hidden = open === 0;
    redriveAll.textContent =
      open === now.count ? `Redrive all ${count(open)}` : `Redrive the other ${count(open)}`;
    if (isNews && element.open) void load();
  };
  update(first);
  return { element, update };
};

export const createDeadLettersPanel = () => {
  const host = byId('dead-letters-list');
  const note = byId('dead-letters-note');
  const none = empty('There are no dead letters.');
  const groups = new Map();
  const onDone = (text) => {
    note.textContent = text;
  };

  return ({ deadLetterKinds }) => {
    const wanted = new Map(deadLetterKinds.map((kind) => [nameOf(kind), kind]));
    for (const [name, { element }] of groups) {
      if (wanted.has(name)) continue;
      element.remove();
      groups.delete(name);
    }
    // The newest are told first, and stand first.
    for (const [name, kind] of [...wanted].reverse()) {
      const group = groups.get(name);
      if (group) group.update(kind);
      else {
        groups.set(name, createGroup(kind, onDone));
        host.prepend(groups.get(name).element);
      }
    }
    if (groups.size === 0) host.replaceChildren(none);
    else none.remove();
  };
};
