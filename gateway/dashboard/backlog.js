// How far each stage is behind: the age of the oldest record that waits for it. Unknown is a state of its own.
import { byId, cell, pill } from './elements.js';
import { duration, many } from './format.js';

const NAMES = {
  'index-documents': 'Changes to documents',
  'apply-index': 'Documents to the index',
  agents: 'Tasks to agents',
};

const stageCell = ({ stage, seconds, records, silent }) => {
  const name = NAMES[stage] ?? stage;
  if (silent.length > 0)
    return cell(
      name,
      pill('unknown', 'warn'),
      `${silent.join(', ')} ${silent.length === 1 ? 'does' : 'do'} not answer`,
    );
  if (seconds === null) return cell(name, pill('unknown', 'warn'), 'no process says how far it is');
  const note =
    records === null ? '' : records === 0 ? 'nothing waits' : `${many(records, 'record')} under way`;
  return cell(name, seconds === 0 ? '0 s' : duration(seconds * 1_000), note);
};

export const showBacklog = ({ backlog }) => byId('backlog').replaceChildren(...backlog.map(stageCell));
