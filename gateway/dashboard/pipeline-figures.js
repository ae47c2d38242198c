// What the strip says of how far the pipeline is. Pure. What is not known is never told as nothing.
import { ago, bytes, count } from './format.js';

const figure = (value, note, tone) => ({ value, note, tone });
const unknown = (note) => figure('unknown', note, 'warn');

/** Of all that was heard; one part that is not known makes the sum unknown. */
export const lagOf = (lags) => {
  if (lags.length === 0) return unknown('nothing says how far it is');
  const open = lags.filter((each) => each.lag === null);
  if (open.length === lags.length) return figure('–', 'nothing committed yet');
  if (open.length > 0)
    return unknown(`nothing committed yet of ${open.map(({ topic }) => topic).join(', ')}`);
  const lag = lags.reduce((sum, each) => sum + each.lag, 0);
  return figure(count(lag), lag === 0 ? 'up to date' : 'records behind');
};

/** Alike is only what could be told, and of something. */
const comparedValue = (divergent, unsettled, rows) => {
  if (divergent > 0) return [`${count(divergent)} differ`, 'bad'];
  if (unsettled > 0) return [`${count(unsettled)} could not be told`, 'none'];
  return rows === 0 ? ['no rows', 'none'] : ['alike', 'good'];
};

/** `isHeard`: the pipeline role answers. */
export const comparedOf = (comparisons, isHeard) => {
  if (comparisons.length === 0)
    return isHeard
      ? figure('–', 'not compared since the pipeline role started')
      : unknown('the pipeline role does not answer');
  const sum = (name) => comparisons.reduce((before, each) => before + each[name], 0);
  const [oldest] = comparisons.map(({ at }) => at).sort();
  const [value, tone] = comparedValue(sum('divergent'), sum('unsettled'), sum('rows'));
  const tables = comparisons.length === 1 ? 'a table' : `${comparisons.length} tables`;
  const indexes = [...new Set(comparisons.map(({ index }) => index))].join(', ');
  return figure(
    value,
    `${count(sum('rows'))} rows of ${tables} of ${indexes}, as of the last comparison ${ago(oldest)}`,
    tone,
  );
};

export const keptLog = (retained) => (retained === null ? '' : `, ${bytes(retained)} of its log kept`);
