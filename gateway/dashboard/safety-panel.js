// What holds agents in hand: what waits for a person, switches, breakers, money of the day, and what was halted and refused.
import { createApprovalCards } from './approval-cards.js';
import { loadAudit } from './audit-table.js';
import { byId, empty, folded, make, pill, since, table } from './elements.js';
import { count, usd } from './format.js';
import { request } from './requests.js';
import { createSafetySwitches } from './safety-switches.js';

const LOADED_EVERY_MS = 5_000;
/** Of a budget: from here on it is shown as nearly spent. */
const NEARLY = 0.8;
const CHECKS = {
  loop: 'going in circles',
  limits: 'limits of the execution',
  'day-budget': 'money of the day',
  kill: 'kill switch',
  cancel: 'cancelled by a person',
  poison: 'killed its worker twice',
  effect: 'outcome unknown: a person must look',
};
const REFUSERS = {
  capability: 'capability',
  tool: 'tool',
  approval: 'approval',
  breaker: 'breaker',
  'day-budget': 'money of the day',
  intake: 'intake (429)',
};
const CALM = new Set(['cancel', 'kill']);
const BREAKERS = { closed: 'good', 'half-open': 'warn', open: 'bad' };

const haltItem = (halt, onOpen) =>
  make(
    'details',
    { class: 'halt', 'data-key': halt.executionId },
    make(
      'summary',
      {},
      pill(halt.code, CALM.has(halt.check) ? undefined : 'bad'),
      make('span', { class: 'text', text: `${halt.agent}, step ${halt.step}: ${halt.reason}` }),
      ' ',
      since(halt.at),
    ),
    make('p', {
      class: 'muted',
      text: `${CHECKS[halt.check]} · ${halt.tenant ?? 'no tenant'} · ${halt.executionId}`,
    }),
    halt.before.length === 0
      ? null
      : make(
          'ol',
          { class: 'steps-before', 'aria-label': 'The last steps before it' },
          halt.before.map(({ step, name, input, error }) =>
            make(
              'li',
              {},
              make('span', { class: 'muted', text: `${step} ` }),
              make('strong', { text: name }),
              input === null ? null : make('code', { text: ` ${input}` }),
              error === null ? null : pill(error, 'warn'),
            ),
          ),
        ),
    make('p', { class: 'mono muted', text: halt.position }),
    make('button', {
      class: 'linklike',
      type: 'button',
      text: 'Show its timeline',
      onclick: () => onOpen(halt.executionId),
    }),
  );

const haltsShown = ({ held, groups, items }, onOpen) =>
  held === 0
    ? [empty('Nothing was halted of late.')]
    : [
        make(
          'p',
          { class: 'pills' },
          groups.map(({ name, count: size }) => pill(`${name} ${count(size)}`)),
        ),
        ...items.map((halt) => haltItem(halt, onOpen)),
        items.length < held
          ? make('p', { class: 'muted note', text: `The last ${items.length} of ${count(held)}.` })
          : null,
      ].filter(Boolean);

const refusalsShown = ({ held, items }, onOpen) =>
  items.length === 0
    ? [empty('Nothing was refused of late.')]
    : [
        table(
          'What was refused, the last first',
          ['By', 'What', 'Agent', 'Tenant', 'Times', 'Last', 'Why'],
          (at) => at === 4,
          items.map((each) => [
            REFUSERS[each.by] ?? each.by,
            `${each.name ?? 'task'} (${each.code})`,
            each.agent,
            each.tenant ?? '–',
            count(each.count),
            each.executionId === null
              ? since(each.lastAt)
              : make(
                  'button',
                  {
                    class: 'linklike',
                    type: 'button',
                    title: 'Show the timeline of the last one',
                    onclick: () => onOpen(each.executionId),
                  },
                  since(each.lastAt),
                ),
            make('span', { class: 'why', text: each.reason }),
          ]),
        ),
        items.length < held
          ? make('p', { class: 'muted note', text: `The last ${items.length} of ${count(held)}.` })
          : null,
      ].filter(Boolean);

const breakerItem = ({ kind, name, state, failures, until }) =>
  make(
    'li',
    {},
    pill(state === 'half-open' ? 'half open' : state, BREAKERS[state]),
    make('span', { class: 'text', text: name }),
    make('span', {
      class: 'muted',
      text: [
        kind,
        failures > 0 ? `${count(failures)} failed in a row` : null,
        until ? `tried again at ${new Date(until).toLocaleTimeString('en-GB')}` : null,
      ]
        .filter(Boolean)
        .join(', '),
    }),
  );

const list = (breakers) => make('ul', { class: 'breakers' }, breakers.map(breakerItem));

const breakersShown = ({ breakersKnown, breakers }) => {
  const troubled = breakers.filter(({ state, failures }) => state !== 'closed' || failures > 0);
  const calm = breakers.filter((each) => !troubled.includes(each));
  return [
    breakersKnown
      ? null
      : make('p', {
          class: 'trouble',
          text: 'Redis does not answer: what workers share of breakers is not known.',
        }),
    troubled.length > 0 ? list(troubled) : null,
    calm.length > 0 ? folded(`${count(calm.length)} closed`, list(calm)) : null,
  ].filter(Boolean);
};

const meter = (spent, limit) => {
  const share = Number(limit) === 0 ? 1 : Math.min(1, Number(spent) / Number(limit));
  const fill = make('span');
  fill.style.width = `${share * 100}%`;
  const tone = share >= 1 ? 'bad' : share >= NEARLY ? 'warn' : null;
  return make('div', { class: 'meter', 'data-tone': tone, 'aria-hidden': 'true' }, fill);
};

const budgetCells = ({ of, name, usdPerDay, spentUsd, remainingUsd, from, by, reason }) => [
  make('strong', { text: name }),
  of,
  spentUsd !== null ? usd(spentUsd) : usdPerDay === null ? 'more than is kept here' : 'being counted',
  usdPerDay === null
    ? make('span', { class: 'muted', text: 'no limit set' })
    : make('span', {
        text: usd(usdPerDay),
        title: from === 'set' ? `set by ${by}${reason ? `: ${reason}` : ''}` : 'from its definition',
      }),
  usdPerDay === null || spentUsd === null
    ? '–'
    : make('div', { class: 'left' }, make('span', { text: usd(remainingUsd) }), meter(spentUsd, usdPerDay)),
];

const loadBudgets = async (onBudgets) => {
  if (document.hidden) return;
  const host = byId('safety-budgets');
  try {
    const told = await request('/v1/budgets');
    onBudgets(told);
    const { day, known, budgets } = told;
    byId('safety-day').textContent = `${day}, UTC`;
    host.replaceChildren(
      ...[
        known
          ? null
          : make('p', {
              class: 'trouble',
              text: 'What was spent today under a limit is being counted: calls that it holds wait until it is.',
            }),
        table(
          'Budgets of today',
          ['Of', '', 'Spent', 'Limit', 'Left'],
          (at) => at > 1,
          budgets.map(budgetCells),
        ),
      ].filter(Boolean),
    );
  } catch (error) {
    onBudgets(undefined);
    host.replaceChildren(make('p', { class: 'trouble', text: error.message }));
  }
};

/** Details that are open stay so when their list is made anew. */
const replaceKeeping = (host, children) => {
  const open = new Set([...host.querySelectorAll('details[open]')].map(({ dataset }) => dataset.key));
  host.replaceChildren(...children);
  for (const details of host.querySelectorAll('details')) details.open = open.has(details.dataset.key);
};

/** `onBudgets` is told the budgets each time they are asked for; undefined: without an answer. */
export const createSafetyPanel = (onOpen, onBudgets) => {
  const switches = createSafetySwitches();
  const showApprovals = createApprovalCards(onOpen);
  const shown = new Map();

  /** A part is made anew only where it has changed: a person may be in the middle of it. */
  const show = (id, value, made) => {
    const text = JSON.stringify(value);
    if (shown.get(id) === text) return;
    shown.set(id, text);
    replaceKeeping(byId(id), made());
  };

  const load = () => Promise.all([loadBudgets(onBudgets), loadAudit()]);
  setInterval(load, LOADED_EVERY_MS);
  void load();

  return {
    update: (safety) => {
      const { halts, refusals, kills, breakers, breakersKnown, approvalsHeld } = safety;
      showApprovals(safety);
      switches.kills(kills);
      byId('safety-count').textContent = approvalsHeld === 0 ? '' : `${count(approvalsHeld)} waiting`;
      show('safety-halts', halts, () => haltsShown(halts, onOpen));
      show('safety-refusals', refusals, () => refusalsShown(refusals, onOpen));
      show('safety-breakers', [breakersKnown, breakers], () => breakersShown(safety));
    },
    agents: switches.agents,
  };
};
