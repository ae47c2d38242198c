// Percentiles against the objective, and each source with what is known of its age.
import { byId, empty, make, pill } from './elements.js';
import { began, count, duration, durationParts, percent } from './format.js';
import { createLatencyChart } from './latency-chart.js';
import { createStageBar } from './stage-bar.js';

const FIGURES = [
  ['median', 'p50'],
  ['p95', 'p95'],
  ['p99', 'p99'],
  ['slowest', 'max'],
];

const figure = ([name, key], latency) => {
  const [value, unit] = durationParts(latency[key]);
  return make(
    'div',
    {},
    make('dt', { text: name }),
    make('dd', {}, value, unit ? make('span', { class: 'unit', text: unit }) : null),
  );
};

const objective = (slo) => {
  const left = slo.errorBudgetLeft;
  const tone = left === null || left > 0.25 ? 'good' : left > 0 ? 'warn' : 'bad';
  const fill = make('span');
  fill.style.width = `${(left ?? 0) * 100}%`;
  const burn = (span) => {
    const rate = slo.burnRates[span];
    return `${span} ${rate === null || rate === undefined ? '–' : `${rate.toFixed(rate < 10 ? 1 : 0)}×`}`;
  };
  return [
    make(
      'div',
      { class: 'objective-head' },
      make('span', { text: `${percent(slo.objective)} within ${duration(slo.targetMs)}` }),
      slo.share === null
        ? pill('no changes yet', undefined)
        : pill(`${percent(slo.share)} kept`, slo.share >= slo.objective ? 'good' : 'bad'),
    ),
    make('div', { class: 'meter', 'data-tone': tone, 'aria-hidden': 'true' }, fill),
    make('p', {
      class: 'muted',
      text:
        left === null
          ? 'No commits yet to measure the objective by.'
          : `Error budget left ${percent(left, 0)} of ${count(slo.commits)} changes of the last three days · burn rate ${burn('5m')}, ${burn('1h')}, ${burn('6h')}`,
    }),
  ];
};

const UNKNOWN = {
  'not-tracked-yet': 'the tracker has not seen it yet',
  'no-offsets': 'the connector has no offsets',
  snapshot: 'a snapshot is being read',
  'index-behind': 'the index has still to catch up',
  'replica-silent': 'an index replica does not answer',
  'position-went-back': 'its position went back',
  'topic-made-anew': 'its topic was made anew',
};

const unknownText = (reason) => UNKNOWN[reason] ?? String(reason ?? 'unknown').replaceAll('-', ' ');

const staleness = ({ watermark, stalenessMs }, targetMs) => {
  if (watermark.state === 'known' && stalenessMs !== null) {
    const title = `Everything committed up to ${watermark.position} is covered${watermark.reason ? `; ${watermark.reason}` : ''}`;
    return make('span', { title }, pill(duration(stalenessMs), stalenessMs <= targetMs ? 'good' : 'bad'));
  }
  return make(
    'span',
    { title: `How much of it is covered is not known: ${unknownText(watermark.reason)}.` },
    pill('unknown', 'warn'),
  );
};

const newest = ({ newestApplied }) => (newestApplied ? `${duration(newestApplied.ageMs)} ago` : 'none yet');

const row = (name, className, part, state) =>
  make(
    'tr',
    { class: className },
    make('td', { text: name }),
    make('td', {}, state),
    make('td', { class: 'number', text: newest(part) }),
    make('td', { class: 'number', text: count(part.counts.commits) }),
    make('td', { class: 'number', text: duration(part.latencyMs.p50) }),
    make('td', { class: 'number', text: duration(part.latencyMs.p99) }),
    make('td', { class: 'number', text: duration(part.latencyMs.max) }),
  );

/** One line a source: position, budget, burn, probe, clock. */
const noteOf = ({ source, watermark, slo, probe, clock }) => {
  const burnRate = (span) => {
    const rate = slo.burnRates[span];
    return rate === null || rate === undefined ? '–' : `${rate.toFixed(rate < 10 ? 1 : 0)}×`;
  };
  const parts = [
    watermark.state === 'known'
      ? `covered up to ${watermark.position}`
      : `not known: ${unknownText(watermark.reason)}`,
    slo.errorBudgetLeft === null
      ? null
      : `budget left ${percent(slo.errorBudgetLeft, 0)}, burn ${burnRate('5m')} ${burnRate('1h')} ${burnRate('6h')}`,
    probe === null
      ? null
      : `probe found after ${duration(probe.lastMs)}, p99 ${duration(probe.latencyMs.p99)}, ${count(probe.missed)} missed`,
    clock === null ? null : `clock ${clock.offsetMs >= 0 ? '+' : '−'}${duration(Math.abs(clock.offsetMs))}`,
    ...Object.entries(watermark.heldTables).map(([table, held]) => `${table} is held back: ${held.reason}`),
  ];
  return make('span', {}, `${source}: ${parts.filter(Boolean).join(' · ')}`, make('br'));
};

const alertOf = ({ severity, summary, since }) =>
  make(
    'span',
    {},
    pill(severity === 'page' ? 'alert' : 'look soon', severity === 'page' ? 'bad' : 'warn'),
    make('span', { title: new Date(since).toLocaleString(), text: ` ${summary}, ${began(since)}` }),
    make('br'),
  );

const HEADINGS = ['', 'Staleness', 'Newest applied commit', 'Changes', 'median', 'p99', 'slowest'];

const sourceTable = (sources, targetMs) => {
  if (sources.length === 0) return empty('Nothing has come from any source yet.');
  const head = make(
    'tr',
    {},
    HEADINGS.map((text, index) =>
      make('th', { scope: 'col', class: index > 1 ? 'number' : undefined, text }),
    ),
  );
  const body = sources.flatMap((source) => [
    row(source.source, 'source', source, staleness(source, targetMs)),
    ...source.tables.map((table) =>
      row(
        table.table,
        'table',
        table,
        source.watermark.heldTables[table.table] ? staleness(table, targetMs) : '',
      ),
    ),
  ]);
  return make('table', {}, make('thead', {}, head), make('tbody', {}, body));
};

export const createFreshnessPanel = () => {
  const drawChart = createLatencyChart(byId('latency-chart'));
  const drawStages = createStageBar(byId('stages'));
  return (report) => {
    byId('freshness-figures').replaceChildren(...FIGURES.map((each) => figure(each, report.latencyMs)));
    byId('objective').replaceChildren(...objective(report.slo));
    const { commits, snapshot } = report.counts;
    byId('freshness-window').textContent =
      `commit in the source to searchable · ${count(commits)} changes in the last 5 minutes` +
      (snapshot > 0 ? ` · ${count(snapshot)} rows of a snapshot not counted` : '');
    byId('sources').replaceChildren(sourceTable(report.sources, report.slo.targetMs));
    byId('sources-note').replaceChildren(...report.alerts.map(alertOf), ...report.sources.map(noteOf));
    drawChart(report);
    drawStages(report);
  };
};
