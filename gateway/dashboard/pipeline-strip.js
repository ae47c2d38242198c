// How the pipeline stands, in one row; what is wrong, below it in words.
import { byId, cell, make, pill } from './elements.js';
import { ago, count } from './format.js';

const CONNECTOR_TONES = {
  running: 'good',
  waiting: 'warn',
  paused: 'warn',
  missing: 'bad',
  unreachable: 'bad',
  failed: 'bad',
};

const SOURCE_TONES = { streaming: 'good', snapshotting: 'warn', paused: 'warn' };

const kept = (bytes) => (bytes === null ? '' : `, ${count(Math.round(bytes / 1024))} KiB of its log kept`);

const sourceTroubles = ({ source, reason, tables }) => [
  ...(reason ? [`Source ${source}: ${reason}`] : []),
  ...tables
    .filter((each) => each.state === 'paused')
    .map((each) => `Table ${each.table} of ${source} is paused: ${each.reason}`),
];

const total = (records, stage, ...outcomes) =>
  records
    .filter((each) => each.stage === stage && outcomes.includes(each.outcome))
    .reduce((sum, each) => sum + each.count, 0);

const lagCell = (name, lags) => {
  const known = lags.filter((each) => each.lag !== null);
  if (known.length === 0) return cell(name, '–', 'nothing committed yet');
  const lag = known.reduce((sum, each) => sum + each.lag, 0);
  return cell(name, count(lag), lag === 0 ? 'up to date' : 'records behind');
};

const counted = (value, none) => (value === 0 ? pill(none, 'good') : pill(count(value), 'warn'));

const gatesCell = (refusals) => {
  const name = 'Refused by gates';
  if (!refusals) return cell(name, pill('unknown', 'warn'), 'the pipeline role does not answer');
  const sum = refusals.reduce((before, each) => before + each.count, 0);
  return cell(
    name,
    counted(sum, 'none'),
    sum === 0
      ? 'since the pipeline role started'
      : refusals.map(({ gate, count: times }) => `${gate} ${count(times)}`).join(' · '),
  );
};

const comparedCell = (comparisons) => {
  const name = 'Index against sources';
  if (comparisons.length === 0) return cell(name, '–', 'not compared since the pipeline role started');
  const sum = (of) => comparisons.reduce((before, each) => before + each[of], 0);
  const [oldest] = comparisons.map(({ at }) => at).sort();
  return cell(
    name,
    comparedPill(sum('divergent'), sum('unsettled'), sum('rows')),
    `${count(sum('rows'))} rows of ${comparisons.length === 1 ? 'a table' : `${comparisons.length} tables`} of ${[...new Set(comparisons.map(({ index }) => index))].join(', ')}, as of the last comparison ${ago(oldest)}`,
  );
};

/** Alike is only what could be told, and of something. */
const comparedPill = (divergent, unsettled, rows) => {
  if (divergent > 0) return pill(`${count(divergent)} differ`, 'bad');
  if (unsettled > 0) return pill(`${count(unsettled)} could not be told`);
  return rows === 0 ? pill('no rows') : pill('alike', 'good');
};

const comparedTrouble = ({ source, table, index, divergent, at }) =>
  `Table ${table} of ${source}: as of the last comparison, with ${index} ${ago(at)}, ${count(divergent)} documents differed from their rows: npx freshet index verify --repair`;

export const createPipelineStrip = () => (status) => {
  const { records, lags, connectors, index, sources } = status;
  const change = lags.filter((each) => each.topic.startsWith('cdc.'));
  const tasks = lags.filter((each) => each.topic === 'freshet.tasks');
  const documents = lags.filter((each) => each.group.startsWith('index '));
  byId('pipeline-strip').replaceChildren(
    ...sources.map(({ source, state, epoch, retainedWalBytes }) =>
      cell(
        `Source ${source}`,
        pill(state, SOURCE_TONES[state] ?? 'bad'),
        `epoch ${epoch}${kept(retainedWalBytes)}`,
      ),
    ),
    ...(connectors.length > 0
      ? connectors.map(({ source, state }) =>
          cell(`Connector ${source}`, pill(state, CONNECTOR_TONES[state] ?? 'warn')),
        )
      : [cell('Connectors', pill('unknown', 'warn'))]),
    cell(
      'Changes taken in',
      count(total(records, 'index-documents', 'appended')),
      `${count(total(records, 'index-documents', 'superseded', 'dropped'))} superseded or dropped`,
    ),
    lagCell('Lag of changes', change),
    gatesCell(status.gateRefusals),
    cell('Quarantined', counted(status.quarantined, 'none'), 'documents that stand refused'),
    cell(
      'Documents',
      index ? count(index.documents) : '–',
      index ? `${count(index.rows)} vectors, ${index.engine}` : 'the index does not answer',
    ),
    lagCell('Lag of the index', documents),
    comparedCell(status.comparisons),
    lagCell('Tasks waiting', tasks),
    cell('Dead letters', counted(status.deadLetters, 'none'), 'could not be processed'),
  );
  const failed = connectors.filter((each) => each.reason);
  byId('pipeline-troubles').replaceChildren(
    ...sources.flatMap(sourceTroubles).map((text) => make('p', { class: 'trouble', text })),
    ...failed.map(({ source, reason }) =>
      make('p', { class: 'trouble', text: `Connector ${source}: ${reason}` }),
    ),
    ...status.comparisons
      .filter((each) => each.divergent > 0)
      .map((each) => make('p', { class: 'trouble', text: comparedTrouble(each) })),
    ...status.troubles.map(({ part, detail }) => make('p', { class: 'trouble', text: `${part}: ${detail}` })),
  );
  byId('pipeline-note').textContent = status.waitingFor ? `waiting for ${status.waitingFor}` : '';
};
