// Whether all is well, as a row of figures and one sentence. What has not been heard, or is not known, is unknown: never a blank.
import { count, duration, many, percent, usd } from './format.js';

/** Of a budget: from here on it is nearly spent, as in Safety. */
const NEARLY = 0.8;
/** As the health of agents has it. */
const AGENTS_WAIT_MS = 30_000;
/** One execution that was halted long ago is no reason to look. */
const MANY_LOOPS = 0.05;
const LISTED = 3;

const STAGES = {
  'index-documents': 'changes to documents',
  'apply-index': 'documents to the index',
  agents: 'tasks to agents',
};

const known = (value, note, tone = 'good') => ({ value, note, tone });
const unknown = (note) => ({ value: 'unknown', note, tone: 'unknown' });
/** There is nothing yet that could be good or bad. */
const none = (value, note) => ({ value, note, tone: 'none' });

const listed = (texts) =>
  texts.length > LISTED
    ? `${texts.slice(0, LISTED).join(' · ')} · ${count(texts.length - LISTED)} more`
    : texts.join(' · ');

const freshnessOf = ({ latencyMs, slo, counts }) => {
  if (counts.commits === 0 || latencyMs.p99 === null) return none('no changes', 'in the last 5 minutes');
  const note = `p99 · median ${duration(latencyMs.p50)} · p99.99 ${duration(latencyMs['p99.99'])}`;
  return known(duration(latencyMs.p99), note, latencyMs.p99 <= slo.targetMs ? 'good' : 'warn');
};

const budgetOf = ({ slo: { errorBudgetLeft: left, objective, targetMs } }) => {
  const note = `left · ${percent(objective)} within ${duration(targetMs)}`;
  if (left === null) return none('not begun', note);
  return known(percent(left, 0), note, left > 0.25 ? 'good' : left > 0 ? 'warn' : 'bad');
};

const stalenessOf = ({ sources, slo: { targetMs } }) => {
  if (sources.length === 0) return unknown('nothing has come from any source yet');
  const isKnown = ({ watermark, stalenessMs }) => watermark.state === 'known' && stalenessMs !== null;
  const sorted = [...sources].sort(
    (a, b) => Number(isKnown(a)) - Number(isKnown(b)) || (b.stalenessMs ?? 0) - (a.stalenessMs ?? 0),
  );
  const note = listed(
    sorted.map((each) => `${each.source} ${isKnown(each) ? duration(each.stalenessMs) : 'unknown'}`),
  );
  const [worst] = sorted;
  if (!isKnown(worst)) return unknown(note);
  return known(duration(worst.stalenessMs), note, worst.stalenessMs <= targetMs ? 'good' : 'bad');
};

const backlogOf = ({ backlog }, targetMs) => {
  const silent = backlog.filter(({ seconds }) => seconds === null);
  if (silent.length > 0 || backlog.length === 0)
    return unknown(silent.map(({ stage }) => STAGES[stage] ?? stage).join(' · ') || 'no stage says it');
  const worst = backlog.reduce((most, each) => (each.seconds > most.seconds ? each : most));
  const isLate = backlog.some(
    ({ stage, seconds }) => seconds * 1_000 > (stage === 'agents' ? AGENTS_WAIT_MS : targetMs),
  );
  const note = worst.seconds === 0 ? 'nothing waits' : (STAGES[worst.stage] ?? worst.stage);
  return known(worst.seconds === 0 ? '0 s' : duration(worst.seconds * 1_000), note, isLate ? 'warn' : 'good');
};

const CONNECTORS_RUN = new Set(['running', 'paused']);
const SOURCES_STAND = new Set(['streaming', 'snapshotting', 'paused']);

const pipelineOf = ({ waitingFor, troubles, connectors, sources }) => {
  const wrong = [
    ...troubles.map(({ part }) => `${part} does not answer`),
    ...sources.filter(({ state }) => !SOURCES_STAND.has(state)).map((each) => `${each.source} ${each.state}`),
    ...connectors
      .filter(({ state }) => !CONNECTORS_RUN.has(state))
      .map(({ source, state }) => `connector of ${source} ${state}`),
  ];
  if (wrong.length > 0) return known(many(wrong.length, 'trouble'), listed(wrong), 'bad');
  if (waitingFor) return known('waiting', `for ${waitingFor}`, 'warn');
  if (connectors.length === 0) return unknown('no connector is known');
  const paused = sources.flatMap(({ source, state, tables }) => [
    ...(state === 'paused' ? [source] : []),
    ...tables.filter((each) => each.state === 'paused').map(({ table }) => table),
  ]);
  if (paused.length > 0) return known('paused', listed(paused), 'warn');
  const reading = sources.filter(({ state }) => state === 'snapshotting');
  if (reading.length > 0)
    return known('snapshot', `of ${listed(reading.map(({ source }) => source))}`, 'warn');
  return known('runs', many(sources.length, 'source'));
};

const endedOf = ({ metrics: { completed, failed, halted } }) => completed + failed + halted;

const successOf = (agents) => {
  const ended = agents.reduce((sum, each) => sum + endedOf(each), 0);
  const ill = agents.filter(({ health }) => health.state === 'failing' || health.state === 'degraded');
  const tone = ill.some(({ health }) => health.state === 'failing')
    ? 'bad'
    : ill.length > 0
      ? 'warn'
      : 'good';
  const named = listed(ill.map(({ name, health }) => `${name} ${health.state}`));
  if (ended === 0)
    return ill.length > 0 ? known('none ended', named, tone) : none('no tasks', 'none has ended yet');
  const completed = agents.reduce((sum, { metrics }) => sum + metrics.completed, 0);
  return known(percent(completed / ended, 1), named || `of ${many(ended, 'execution')}`, tone);
};

const loopsOf = (agents) => {
  const ended = agents.reduce((sum, each) => sum + endedOf(each), 0);
  if (ended === 0) return none('no tasks', 'none has ended yet');
  const loops = agents.map((each) => ({
    name: each.name,
    halted: (each.metrics.loopRate ?? 0) * endedOf(each),
  }));
  const share = loops.reduce((sum, { halted }) => sum + halted, 0) / ended;
  const named = listed(loops.filter(({ halted }) => halted > 0).map(({ name }) => name));
  return known(
    percent(share, 1),
    named ? `halted: ${named}` : 'none went in circles',
    share >= MANY_LOOPS ? 'warn' : 'good',
  );
};

const spendOf = ({ known: isKnown, budgets }) => {
  const agents = budgets.filter((each) => each.of === 'agent');
  const isUnheld = ({ usdPerDay, spentUsd }) => usdPerDay === null && spentUsd === null;
  const uncounted = budgets.filter((each) => each.spentUsd === null && !isUnheld(each));
  if (uncounted.length > 0) return unknown(`being counted: ${listed(uncounted.map(({ name }) => name))}`);
  if (!isKnown) return unknown('being counted');
  if (agents.some(isUnheld)) return unknown('more was spent than is kept here');
  const sum = agents.reduce((total, { spentUsd }) => total + Number(spentUsd), 0);
  const shareOf = ({ usdPerDay, spentUsd }) => Number(spentUsd) / Number(usdPerDay);
  // Nothing to spend is a switch that somebody turned, and no budget that is nearly spent.
  const near = budgets.filter((each) => Number(each.usdPerDay) > 0 && shareOf(each) >= NEARLY);
  if (near.length === 0) return known(usd(String(sum)), 'by agents; embedding is apart');
  const isSpent = near.some((each) => shareOf(each) >= 1);
  return known(
    usd(String(sum)),
    `nearly spent: ${listed(near.map(({ name }) => name))}`,
    isSpent ? 'bad' : 'warn',
  );
};

const approvalsOf = ({ approvalsHeld }) =>
  approvalsHeld === 0
    ? known('0', 'nothing waits for a person')
    : known(count(approvalsHeld), 'wait for a person', 'warn');

const alertsOf = ({ alerts }) =>
  alerts.length === 0
    ? known('0', 'none fires')
    : known(
        count(alerts.length),
        alerts[0].summary,
        alerts.some(({ severity }) => severity === 'page') ? 'bad' : 'warn',
      );

/** Name, the section it stands in, what it needs, and what it makes of that. */
const FIGURES = [
  ['Freshness', 'freshness', ['freshness'], freshnessOf],
  ['Error budget', 'freshness', ['freshness'], budgetOf],
  ['Staleness', 'freshness', ['freshness'], stalenessOf],
  ['Backlog', 'backlog', ['status', 'freshness'], (status, { slo }) => backlogOf(status, slo.targetMs)],
  ['Pipeline', 'pipeline', ['status'], pipelineOf],
  ['Success rate', 'agents', ['agents'], successOf],
  ['Loop rate', 'agents', ['agents'], loopsOf],
  ['Spent today', 'safety-money', ['budgets'], spendOf],
  ['Open approvals', 'safety', ['safety'], approvalsOf],
  ['Alerts', 'freshness', ['freshness'], alertsOf],
];

export const FIGURE_PLACES = FIGURES.map(([name, section]) => ({ name, section }));

const namesOf = (figures, tone) =>
  figures
    .filter((each) => each.tone === tone)
    .map(({ name }) => name.toLowerCase())
    .join(', ');

const verdictOf = (figures) => {
  for (const [tone, says] of [
    ['bad', 'Something is wrong'],
    ['unknown', 'Not all is known'],
    ['warn', 'Worth a look'],
  ]) {
    const names = namesOf(figures, tone);
    if (names) return { tone, text: `${says}: ${names}` };
  }
  return { tone: 'good', text: 'All is well' };
};

/** Of what was heard lately, each undefined where nothing was: `freshness`, `status`, `agents`, `budgets`, `safety`. */
export const overviewOf = (heard) => {
  const figures = FIGURES.map(([name, , needs, figure]) => ({
    name,
    ...(needs.some((each) => heard[each] === undefined)
      ? unknown('not heard from')
      : figure(...needs.map((each) => heard[each]))),
  }));
  return { figures, verdict: verdictOf(figures) };
};
