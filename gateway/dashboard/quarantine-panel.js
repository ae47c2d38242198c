// What gates refused, by reason, each with the span that failed, and what a person decides about it.
import { byId, empty, make } from './elements.js';
import { ago, count, visible } from './format.js';
import { request } from './requests.js';

const SHOWN = 100;
const VERBS = {
  release: 'Release: this content passes from now on, flagged',
  redrive: 'Redrive: the gates judge it again',
  drop: 'Drop: what was kept of before goes too',
};

const span = ({ field, start, end, excerpt, excerptStart, excerptEnd }) =>
  make(
    'div',
    {},
    make('p', { class: 'muted', text: `${field}, characters ${start} to ${end}` }),
    make(
      'pre',
      { tabindex: '0' },
      visible(excerpt.slice(0, excerptStart)),
      make('mark', { text: visible(excerpt.slice(excerptStart, excerptEnd)) || '·' }),
      visible(excerpt.slice(excerptEnd)),
    ),
  );

const item = (each, decide) =>
  make(
    'details',
    { class: 'refusal' },
    make(
      'summary',
      {},
      make('span', { class: 'mono', text: each.documentId }),
      make('span', {
        class: 'muted',
        text: ` ${ago(each.at)}${each.keptVersion ? ', kept as it was before, marked stale' : ''}`,
      }),
    ),
    make('p', { text: each.detail }),
    each.finding ? span(each.finding) : null,
    make(
      'div',
      { class: 'field-row' },
      Object.entries(VERBS).map(([verb, title]) =>
        make('button', {
          class: 'secondary',
          type: 'button',
          title,
          text: verb,
          onclick: () => decide(verb, [each.documentId]),
        }),
      ),
    ),
  );

const group = ({ name, count: size }, items, decide) =>
  make(
    'details',
    { open: items.length <= 5 },
    make('summary', {}, make('strong', { text: name }), ` ${count(size)}`),
    make(
      'div',
      { class: 'field-row' },
      make('button', {
        class: 'secondary',
        type: 'button',
        title: VERBS.redrive,
        text: `redrive all ${count(size)}`,
        onclick: () => decide('redrive', undefined, name),
      }),
    ),
    items.map((each) => item(each, decide)),
  );

export const createQuarantinePanel = () => {
  const list = byId('quarantine-list');
  const note = byId('quarantine-note');
  let shown;

  const load = async () => {
    try {
      const { held, beyond, groups, items } = await request(`/v1/quarantine?limit=${SHOWN}`);
      list.replaceChildren(
        ...(held === 0
          ? [empty('No document stands in quarantine.')]
          : groups.map((each) =>
              group(
                each,
                items.filter(({ gate, reason }) => `${gate}: ${reason}` === each.name),
                decide,
              ),
            )),
        ...(beyond > 0
          ? [empty(`${count(beyond)} older ones are not listed; redriving all of a reason reaches them too.`)]
          : []),
      );
    } catch (error) {
      // Asked for again with the next status.
      shown = undefined;
      list.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  };

  async function decide(action, documentIds, name) {
    const reason = byId('quarantine-reason').value.trim();
    const [gate, why] = (name ?? '').split(': ');
    try {
      const left = [];
      let decided = 0;
      for (let next; next !== null; ) {
        const done = await request('/v1/quarantine/decisions', {
          action,
          ...(documentIds ? { documentIds } : { filter: { gate, reason: why } }),
          ...(next ? { next } : {}),
          ...(reason ? { reason } : {}),
        });
        decided += done.decided.length;
        left.push(...done.left.slice(0, 3));
        next = done.next;
      }
      note.textContent = [
        `${action}: ${count(decided)}`,
        ...left.slice(0, 3).map((each) => `${each.documentId}: ${each.why}`),
      ].join(' · ');
    } catch (error) {
      note.textContent = error.message;
    }
    shown = undefined;
  }

  return (status) => {
    // One may go as another comes.
    const now = `${status.quarantined} ${status.quarantineChangedAt}`;
    if (now === shown) return;
    shown = now;
    void load();
  };
};
