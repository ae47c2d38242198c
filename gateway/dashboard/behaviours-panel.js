// Versions of each agent: which run, how the one that is tried does beside the stable one, and the end of that by a person.
import { askWhy } from './ask-why.js';
import { byId, empty, make, pill, since, table } from './elements.js';
import { count, duration, percent, usd } from './format.js';
import { request } from './requests.js';

const EVERY_MS = 5_000;
const STATES = {
  canary: ['canary', 'warn'],
  promoted: ['promoted', 'good'],
  'rolled-back': ['rolled back', 'bad'],
};
const VERDICTS = {
  collecting: ['collecting', undefined],
  'better-or-equal': ['ready to promote', 'good'],
  worse: ['worse', 'bad'],
};

const end = (agent, verb, reason) =>
  request(`/v1/behaviours/${encodeURIComponent(agent)}/${verb}`, { reason });

const shareBar = ({ candidate, stable, share }) => {
  const fill = make('span');
  fill.style.width = `${share * 100}%`;
  return make(
    'div',
    { class: 'shares' },
    make(
      'p',
      {},
      make('strong', { text: percent(share, 1) }),
      ` of new tasks run under ${candidate}, ${percent(1 - share, 1)} under ${stable}`,
    ),
    make('div', { class: 'meter', 'aria-hidden': 'true' }, fill),
  );
};

const figures = (version, outcomes) => [
  make('strong', { text: version }),
  count(outcomes.executions),
  percent(outcomes.failureRate, 1),
  count(outcomes.halted),
  outcomes.meanCostUsd === null ? '–' : usd(outcomes.meanCostUsd),
  duration(outcomes.p95Ms),
  outcomes.feedbackCount === 0
    ? '–'
    : `${outcomes.feedbackScore.toFixed(2)} (${count(outcomes.feedbackCount)})`,
];

const verdictShown = ({ candidate, stable, verdict }) => {
  if (!verdict) return [];
  const [says, tone] = VERDICTS[verdict.state];
  return [
    table(
      `Outcomes of ${candidate} beside ${stable}`,
      ['Version', 'Ended', 'Failed', 'Halted', 'Mean cost', 'p95', 'Feedback'],
      (at) => at > 0,
      [figures(candidate, verdict.outcomes.candidate), figures(stable, verdict.outcomes.stable)],
    ),
    make('p', { class: 'verdict' }, pill(says, tone), ` ${verdict.reason}`),
  ];
};

/** What a person may do; what it asks stays while the figures above it change. */
const endsOf = ({ agent, candidate, stable, state }, asking, onEnd) => {
  const button = (text, verb, says, tone) => {
    const back = make('button', {
      class: tone,
      type: 'button',
      text,
      'aria-label': `${text}: ${candidate} of ${agent}`,
      onclick: () =>
        askWhy(asking, { says, confirm: text, tone, back }, async (reason) => {
          await end(agent, verb, reason);
          await onEnd(
            `${candidate} of ${agent}: ${STATES[verb === 'promote' ? 'promoted' : 'rolled-back'][0]}`,
          );
        }),
    });
    return back;
  };
  return make(
    'div',
    { class: 'actions' },
    state === 'canary'
      ? button('Promote', 'promote', `Every new task of ${agent} runs under ${candidate}.`, 'primary')
      : null,
    state === 'rolled-back'
      ? null
      : button(
          'Roll back',
          'rollback',
          `No new task of ${agent} runs under ${candidate}, all under ${stable}. What has begun goes on as it began.`,
          'danger',
        ),
  );
};

const headOf = ({ agent, candidate, stable, state, by, reason, changedAt }) =>
  make(
    'div',
    {},
    make('h3', {}, `${agent}: ${candidate} beside ${stable} `, pill(...STATES[state])),
    make('p', { class: 'muted' }, `by ${by} `, since(changedAt), reason ? `: ${reason}` : ''),
  );

const createCard = (onEnd) => {
  const shown = make('div');
  const ends = make('div');
  const asking = make('div');
  const element = make('article', { class: 'rollout', tabindex: '-1' }, shown, ends, asking);
  let state = '';
  return {
    element,
    update: (now) => {
      shown.replaceChildren(headOf(now), shareBar(now), ...verdictShown(now));
      if (now.state === state) return;
      const hadFocus = ends.contains(document.activeElement) || asking.contains(document.activeElement);
      state = now.state;
      // What was asked was about the state before.
      asking.replaceChildren();
      ends.replaceChildren(
        endsOf(now, asking, async (done) => {
          await onEnd(done);
          element.focus();
        }),
      );
      if (hadFocus) element.focus();
    },
  };
};

const versionsOf = (behaviours) =>
  table(
    'Versions of each agent',
    ['Agent', 'Runs', 'Also held'],
    () => false,
    behaviours
      .filter(({ runs }) => runs)
      .map(({ agent, version }) => [
        make('strong', { text: agent }),
        version,
        behaviours
          .filter((each) => each.agent === agent && !each.runs)
          .map((each) => each.version)
          .join(', ') || '–',
      ]),
  );

export const createBehavioursPanel = () => {
  const cards = new Map();
  const host = byId('behaviours-rollouts');
  let failed = false;

  const show = ({ behaviours, rollouts }) => {
    const named = new Map(rollouts.map((each) => [JSON.stringify([each.agent, each.since]), each]));
    for (const [name, { element }] of cards) {
      if (named.has(name)) continue;
      element.remove();
      cards.delete(name);
    }
    for (const [name, rollout] of named) {
      if (!cards.has(name)) {
        cards.set(
          name,
          createCard(async (done) => {
            await load();
            byId('behaviours-note').textContent = done;
          }),
        );
        host.append(cards.get(name).element);
      }
      cards.get(name).update(rollout);
    }
    byId('behaviours-empty').hidden = named.size > 0;
    byId('behaviours-versions').replaceChildren(
      behaviours.length === 0 ? empty('No agent is configured.') : versionsOf(behaviours),
    );
  };

  const load = async () => {
    if (document.hidden) return;
    try {
      show(await request('/v1/behaviours'));
      if (failed) byId('behaviours-note').replaceChildren();
      failed = false;
    } catch (error) {
      failed = true;
      byId('behaviours-note').replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  };

  setInterval(load, EVERY_MS);
  void load();
};
