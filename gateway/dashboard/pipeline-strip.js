// How the pipeline stands, in one row; what is wrong, below it in words.
import { byId, cell, make, pill } from './elements.js';
import { ago, count } from './format.js';
import { comparedOf, keptLog, lagOf } from './pipeline-figures.js';

const CONNECTOR_TONES = {
  running: 'good',
  waiting: 'warn',
  paused: 'warn',
  missing: 'bad',
  unreachable: 'bad',
  failed: 'bad',
};

const SOURCE_TONES = { streaming: 'good', snapshotting: 'warn', paused: 'warn' };

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

/** What was judged is a pill; a plain figure is not. */
const figureCell = (name, { value, note, tone }) =>
  cell(name, tone === undefined ? value : pill(value, tone), note);

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
        `epoch ${epoch}${keptLog(retainedWalBytes)}`,
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
    figureCell('Lag of changes', lagOf(change)),
    gatesCell(status.gateRefusals),
    cell('Quarantined', counted(status.quarantined, 'none'), 'documents that stand refused'),
    cell(
      'Documents',
      index ? count(index.documents) : '–',
      index ? `${count(index.rows)} vectors, ${index.engine}` : 'the index does not answer',
    ),
    figureCell('Lag of the index', lagOf(documents)),
    figureCell('Index against sources', comparedOf(status.comparisons, status.gateRefusals !== null)),
    figureCell('Tasks waiting', lagOf(tasks)),
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
