/**
 * I3 of a history: by task, the cost events add up to no less than what the provider metered, to just that where one claim ran through and
 * no reply was lost, and never to more than the budget. Those of the thrifty agent come to just what Redis counts at the end, after it lost all,
 * and its calls never to more than its budget of the day: those that reached the provider, as a call whose worker died before it was allowed is
 * counted at its reservation too. Pure.
 */
import { formatUsd, type Picodollars, parseUsd } from '../../schemas/money.ts';
import { foldOf, type Journals } from './fold-journal.ts';
import { type EntryOf, entriesOf, groupedBy, type HistoryEntry } from './history.ts';

const sum = (amounts: Iterable<string>): Picodollars =>
  [...amounts].reduce((total, usd) => total + parseUsd(usd), 0n);

/** Written twice, or lost first and settled later: the last one of an id says it. */
export const ledgerOf = (costs: readonly EntryOf<'cost'>[]): Picodollars =>
  sum(new Map(costs.map(({ costId, usd }) => [costId, usd])).values());

export const checkCosts = (
  history: readonly HistoryEntry[],
  journals: Journals,
): { readonly invariant: 'I3'; readonly checked: number; readonly violations: readonly string[] } => {
  const tasks = entriesOf(history, 'acknowledged');
  const [terms] = entriesOf(history, 'terms');
  const charges = groupedBy(entriesOf(history, 'charged'), ({ taskId }) => taskId);
  const costs = groupedBy(entriesOf(history, 'cost'), ({ taskId }) => taskId);
  const violations = tasks.flatMap(({ taskId, as, maxUsd }) => {
    const found: string[] = [];
    const charged = charges.get(taskId) ?? [];
    const ledger = ledgerOf(costs.get(as) ?? []);
    const metered = sum(charged.map(({ usd }) => usd));
    const cap = parseUsd(maxUsd ?? terms?.maxUsd ?? '0');
    const said = `${formatUsd(ledger)} USD in its cost events`;
    if (ledger < metered) found.push(`${taskId}: ${said}, ${formatUsd(metered)} metered`);
    if (ledger > cap) found.push(`${taskId}: ${said}, over its budget of ${formatUsd(cap)}`);
    const undisturbed = foldOf(journals.get(as) ?? []).claims === 1 && !charged.some(({ lost }) => lost);
    if (undisturbed && ledger !== metered)
      found.push(`${taskId}: ${said}, ${formatUsd(metered)} metered, though one claim ran through`);
    return found;
  });
  return {
    invariant: 'I3',
    checked: tasks.length,
    violations: [...violations, ...dayViolations(history, terms?.dayUsd ?? '0')],
  };
};

const dayViolations = (history: readonly HistoryEntry[], dayUsd: string): readonly string[] => {
  const found: string[] = [];
  const costs = entriesOf(history, 'cost').filter(({ agent }) => agent === 'thrifty');
  const days = new Set(costs.map(({ day }) => day));
  const allowed = allowedOf(history, costs);
  // A run over midnight is of two days, and a call is counted on the one that it began.
  const budget = parseUsd(dayUsd) * BigInt(Math.max(1, days.size));
  if (allowed > budget)
    found.push(
      `the thrifty agent was allowed ${formatUsd(allowed)} USD, over its budget of ${formatUsd(budget)} for the day`,
    );
  const spent = ledgerOf(costs);
  for (const { day, known, usd } of entriesOf(history, 'ledger')) {
    if (!known) found.push(`what the thrifty agent spent on ${day} was not counted again`);
    else if (days.size === 1 && days.has(day) && parseUsd(usd) !== spent)
      found.push(
        `the thrifty agent: ${formatUsd(spent)} USD in its cost events, and ${usd} counted in Redis`,
      );
  }
  return found;
};

/**
 * The least that the calls which reached the provider had been allowed: those that were settled, and of the lost ones as many as were
 * metered beside them. Which of them that were is not known, so they are taken for the cheapest.
 */
const allowedOf = (history: readonly HistoryEntry[], costs: readonly EntryOf<'cost'>[]): Picodollars => {
  const tasks = new Map(entriesOf(history, 'acknowledged').map(({ taskId, as }) => [as, taskId]));
  const charges = groupedBy(entriesOf(history, 'charged'), ({ taskId }) => taskId);
  let allowed = 0n;
  for (const [as, ofTask] of groupedBy(costs, ({ taskId }) => taskId)) {
    const calls = [...new Map(ofTask.map((cost) => [cost.costId, cost])).values()].filter(
      ({ usd }) => parseUsd(usd) > 0n,
    );
    const settled = calls.filter((call) => call.settled);
    const lost = calls.filter((call) => !call.settled).map(({ usd }) => parseUsd(usd));
    const metered = charges.get(tasks.get(as) ?? as)?.length ?? 0;
    const reached = lost
      .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      .slice(0, Math.max(0, metered - settled.length));
    allowed += sum(settled.map(({ usd }) => usd)) + reached.reduce((total, usd) => total + usd, 0n);
  }
  return allowed;
};
