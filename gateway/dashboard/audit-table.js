// Who changed what, and why: the last records of the audit.
import { byId, empty, make, since, table } from './elements.js';
import { count } from './format.js';
import { request } from './requests.js';

const SHOWN = 20;

const targetsOf = ({ targets, count: all }) =>
  make('span', {
    class: 'why',
    text: `${targets.slice(0, 3).join(', ')}${all > 3 ? ` and ${count(all - 3)} more` : ''}`,
  });

const rowOf = (entry) => [
  since(entry.at),
  entry.by,
  entry.action,
  targetsOf(entry),
  entry.tenant ?? '–',
  make('span', { class: 'why', text: entry.reason ?? '–' }),
];

let shown = '';

/** Made anew only where it has changed. */
export const loadAudit = async () => {
  if (document.hidden) return;
  const host = byId('safety-audit');
  try {
    const { items, held } = await request(`/v1/audit?limit=${SHOWN}`);
    const text = JSON.stringify([held, items]);
    if (text === shown) return;
    shown = text;
    host.replaceChildren(
      ...(items.length === 0
        ? [empty('Nothing was changed of late.')]
        : [
            table(
              'What was changed, the last first',
              ['When', 'By', 'Action', 'What', 'Tenant', 'Why'],
              () => false,
              items.map(rowOf),
            ),
            held > items.length
              ? make('p', {
                  class: 'muted note',
                  text: `The last ${items.length} of ${count(held)}: freshet audit list.`,
                })
              : null,
          ].filter(Boolean)),
    );
  } catch (error) {
    shown = '';
    host.replaceChildren(make('p', { class: 'trouble', text: error.message }));
  }
};
