// How each agent does, in one table: health, speed, success, loops, cost, and what people think of its answers.
import { byId, empty, make, pill } from './elements.js';
import { count, duration, percent, usd } from './format.js';
import { request } from './requests.js';

const EVERY_MS = 5_000;
const TONES = { healthy: 'good', degraded: 'warn', failing: 'bad', unknown: undefined };
const HEADER = [
  'Agent',
  'Health',
  'Requests',
  'A minute',
  'Success',
  'Loops',
  'p50',
  'p95',
  'p99',
  'Tokens',
  'Calls',
  'Tools',
  'Cost',
  'Feedback',
];

const number = (value) => (value === null ? '–' : count(Math.round(value * 10) / 10));

const row = ({ name, version, health, metrics }) =>
  make(
    'tr',
    {},
    make('th', { scope: 'row', text: `${name} ${version}` }),
    make('td', {}, pill(health.state, TONES[health.state])),
    [
      count(metrics.requests),
      number(metrics.requestsPerMinute),
      percent(metrics.successRate, 1),
      percent(metrics.loopRate, 1),
      duration(metrics.latencyMs.p50),
      duration(metrics.latencyMs.p95),
      duration(metrics.latencyMs.p99),
      number(metrics.tokensPerRequest),
      number(metrics.apiCallsPerRequest),
      percent(metrics.toolSuccessRate, 1),
      metrics.meanCostUsd === null ? '–' : usd(metrics.meanCostUsd),
      metrics.feedbackCount === 0
        ? '–'
        : `${metrics.feedbackScore.toFixed(2)} (${count(metrics.feedbackCount)})`,
    ].map((text) => make('td', { class: 'number', text })),
  );

/** `onAgents` is told the agents each time they are asked for; undefined: without an answer. */
export const createAgentsPanel = (onAgents) => {
  const host = byId('agents-table');
  const notes = byId('agents-notes');

  const load = async () => {
    if (document.hidden) return;
    try {
      const { agents } = await request('/v1/agents');
      onAgents(agents);
      host.replaceChildren(
        agents.length === 0
          ? empty('No agent is configured.')
          : make(
              'table',
              {},
              make('caption', {
                class: 'hidden-text',
                text: 'Agents: means per request; latency from task to result',
              }),
              make(
                'thead',
                {},
                make(
                  'tr',
                  {},
                  HEADER.map((text, at) =>
                    make('th', { scope: 'col', class: at > 1 ? 'number' : null, text }),
                  ),
                ),
              ),
              make('tbody', {}, agents.map(row)),
            ),
      );
      notes.replaceChildren(
        ...agents.flatMap(({ name, health }) =>
          health.reasons.map((reason) =>
            make('p', {
              class: health.state === 'failing' ? 'trouble' : 'muted note',
              text: `${name}: ${reason}`,
            }),
          ),
        ),
      );
    } catch (error) {
      onAgents(undefined);
      notes.replaceChildren(make('p', { class: 'trouble', text: error.message }));
    }
  };

  setInterval(load, EVERY_MS);
  void load();
};
