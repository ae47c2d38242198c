// What agents cost: the sums, how the executions of each are spread, and why one costs more than another.
import { byId, empty, make, makeSvg, table } from './elements.js';
import { count, many, percent, usd } from './format.js';
import { request } from './requests.js';

const EVERY_MS = 10_000;
const DEAREST = 5;
const WIDTH = 300;
const HEIGHT = 64;

const afterTheFirst = (at) => at > 0;

/** How many executions cost up to how much. */
const spread = ({ name, distribution }) => {
  const most = Math.max(1, ...distribution.map(({ executions }) => executions));
  const width = WIDTH / distribution.length;
  const text = distribution
    .map(({ upToUsd, executions }) => `${executions} up to ${usd(upToUsd)}`)
    .join(', ');
  return makeSvg(
    'svg',
    {
      class: 'spread',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: 'img',
      preserveAspectRatio: 'none',
      'aria-label': `Executions of ${name} by cost: ${text}`,
    },
    distribution.map(({ upToUsd, executions }, at) => {
      const height = executions === 0 ? 0 : Math.max(2, (HEIGHT * executions) / most);
      return makeSvg(
        'rect',
        { x: at * width + 1, y: HEIGHT - height, width: Math.max(1, width - 2), height },
        makeSvg('title', { text: `${executions} up to ${usd(upToUsd)}` }),
      );
    }),
  );
};

const share = (part, whole) =>
  Number(whole) === 0 ? '0 %' : `${Math.round((100 * Number(part)) / Number(whole))} %`;

const agentCard = (agent) => {
  const { name, executions, perExecution, distribution, why } = agent;
  const facts = [
    ['Mean', usd(perExecution.mean)],
    ['p50', usd(perExecution.p50)],
    ['p95', usd(perExecution.p95)],
    ['Dearest', usd(perExecution.max)],
  ];
  return make(
    'article',
    { class: 'agent-cost' },
    make(
      'div',
      { class: 'card-head' },
      make('h3', { text: name }),
      make('span', { class: 'muted', text: `${many(executions, 'execution')}, ${usd(agent.usd)} in all` }),
    ),
    make(
      'dl',
      { class: 'facts' },
      facts.map(([term, value]) => make('div', {}, make('dt', { text: term }), make('dd', { text: value }))),
    ),
    ...(Number(perExecution.max) === 0
      ? [make('p', { class: 'muted', text: 'Every execution was free: its models have no price.' })]
      : [
          spread(agent),
          make(
            'p',
            { class: 'muted spread-ends' },
            make('span', { text: usd(distribution[0]?.upToUsd ?? '0') }),
            make('span', { text: 'cost of an execution, in equal ratios' }),
            make('span', { text: usd(perExecution.max) }),
          ),
        ]),
    table(
      `Why ${name} costs what it does`,
      ['Step', 'Share', 'Money', 'Calls', 'Tokens in'],
      afterTheFirst,
      why.byStep.map((each) => [
        each.name ?? '–',
        share(each.usd, agent.usd),
        usd(each.usd),
        count(each.calls),
        count(each.inputTokens),
      ]),
    ),
    make('p', {
      class: 'muted note',
      text: `Calls per execution: ${why.callsPerExecution}, ${count(Math.round(why.inputTokensPerCall))} tokens in and ${count(Math.round(why.outputTokensPerCall))} out each (${percent(why.cachedShare, 0)} cached); ${count(why.failedCalls)} failed and ${count(why.lostCalls)} lost calls cost ${usd(why.wastedUsd)}; models: ${why.byModel.map((each) => each.name ?? '–').join(', ') || 'none'}`,
    }),
  );
};

const dearest = (executions, onOpen) => {
  const sorted = executions
    .filter(({ costUsd }) => Number(costUsd) > 0)
    .sort((a, b) => Number(b.costUsd) - Number(a.costUsd))
    .slice(0, DEAREST);
  if (sorted.length === 0) return null;
  return [
    make('h3', { text: 'The dearest of the recent executions' }),
    table(
      'The dearest of the recent executions',
      ['Execution', 'Money', 'Steps'],
      afterTheFirst,
      sorted.map(({ executionId, agent, input, costUsd, steps }) => [
        make('button', {
          class: 'linklike',
          type: 'button',
          text: `${agent}: ${input.slice(0, 70) || executionId}`,
          onclick: () => onOpen(executionId),
        }),
        usd(costUsd),
        count(steps),
      ]),
    ),
  ];
};

export const createCostsPanel = (onOpen) => {
  const form = byId('cost-filters');
  const host = byId('costs-result');
  let shown = '';

  const load = async () => {
    if (document.hidden) return;
    const { by, since } = Object.fromEntries(new FormData(form));
    try {
      const costs = await request(`/v1/costs?by=${by}${since ? `&since=${since}` : ''}`);
      const { executions } = await request('/v1/executions?limit=500');
      const text = JSON.stringify([
        costs,
        executions.map(({ executionId, costUsd }) => [executionId, costUsd]),
      ]);
      if (text === shown) return;
      shown = text;
      host.replaceChildren(...shownOf(costs, executions));
    } catch (error) {
      shown = '';
      host.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  };

  const shownOf = ({ by, usd: sum, since, complete, groups, agents, comparison }, executions) => {
    if (groups.length === 0) return [empty('Nothing was spent in this time.')];
    return [
      ...comparison.map((sentence) => make('p', { class: 'answer', text: sentence })),
      make('div', { class: 'agent-costs' }, agents.map(agentCard)),
      make('h3', { text: `By ${by}` }),
      table(
        `Costs by ${by}`,
        [by, 'Money', 'Share', 'Executions', 'Calls', 'Failed', 'Lost', 'Tokens in', 'Tokens out'],
        afterTheFirst,
        groups.map((each) => [
          each.name ?? '–',
          usd(each.usd),
          share(each.usd, sum),
          count(each.executions),
          count(each.calls),
          count(each.failed),
          count(each.unsettled),
          count(each.inputTokens),
          count(each.outputTokens),
        ]),
      ),
      ...(dearest(executions, onOpen) ?? []),
      make('p', {
        class: 'muted note',
        text: `${usd(sum)} in all since ${since ? new Date(since).toLocaleString('en-GB') : '–'}${complete ? '' : '; older costs are no longer held here'}. Embedding is no agent's and stands in the table alone.`,
      }),
    ];
  };

  form.addEventListener('change', load);
  setInterval(load, EVERY_MS);
  void load();
};
