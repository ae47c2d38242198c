/**
 * Holds a history against the invariants. Pure, and with folds of its own over the journal, so that a worker that folds
 * wrongly is found by what it wrote.
 *
 * - I2: an acknowledged task has one terminal result: one `response` that counts in its journal, and results that are all the
 *   same record. A completed task did every deed it was given.
 * - I3: by task, the cost events add up to no less than what the provider metered, to just that where one claim ran through and
 *   no reply was lost, and never to more than the budget.
 * - I8: of each deed of a task at most one took effect; one that takes no key was asked for at most once; and no effect was asked
 *   for whose intent is not in the journal.
 */
import { advanceOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import { formatUsd, type Picodollars, parseUsd } from '../../schemas/money.ts';
import { entriesOf, groupedBy, type HistoryEntry, type JournaledEvent } from './history.ts';

export interface Verdict {
  readonly invariant: 'I2' | 'I3' | 'I8';
  /** Tasks, or deeds, that were held against it. */
  readonly checked: number;
  readonly violations: readonly string[];
}

export const checkHistory = (history: readonly HistoryEntry[]): readonly Verdict[] => {
  const journals = groupedBy(
    entriesOf(history, 'journal').map(({ event }) => event),
    ({ taskId }) => taskId,
  );
  return [checkResults(history, journals), checkCosts(history, journals), checkDeeds(history, journals)];
};

type Journals = ReadonlyMap<string, readonly JournaledEvent[]>;

/** Responses that count, claims that held. */
const foldOf = (events: readonly JournaledEvent[]) => {
  let order = UNCLAIMED;
  let responses = 0;
  let claims = 0;
  for (const event of events) {
    const next = advanceOrder(order, event);
    if (!next) continue;
    order = next;
    if (event.type === 'response') responses += 1;
    if (event.type === 'claim') claims += 1;
  }
  return { responses, claims };
};

/** How a task of this agent may end beside with an answer; whatever else ends one is a violation. */
const MAY_END_BY: ReadonlySet<string> = new Set([
  'effect-unknown',
  'call-lost',
  'poison',
  'money-cap',
  'model-failed',
]);

const checkResults = (history: readonly HistoryEntry[], journals: Journals): Verdict => {
  const violations: string[] = [];
  const tasks = entriesOf(history, 'acknowledged');
  const results = groupedBy(entriesOf(history, 'result'), ({ taskId }) => taskId);
  const deeds = groupedBy(
    entriesOf(history, 'deed').filter(({ applied }) => applied),
    ({ taskId }) => taskId,
  );
  for (const task of tasks) {
    const { taskId } = task;
    const found = results.get(taskId) ?? [];
    const [result] = found;
    const { responses } = foldOf(journals.get(taskId) ?? []);
    if (!result) {
      violations.push(`${taskId} was acknowledged and has no result (${responses} responses in its journal)`);
      continue;
    }
    if (new Set(found.map(({ digest }) => digest)).size > 1)
      violations.push(`${taskId} has results that differ`);
    if (responses !== 1) violations.push(`${taskId} has ${responses} responses that count`);
    if (result.outcome === 'completed') {
      const done = new Set((deeds.get(taskId) ?? []).map(({ number }) => number));
      for (const [number, deed] of task.deeds.entries())
        if (!done.has(number)) violations.push(`${taskId} completed without its ${deed} (deed ${number})`);
    } else if (!MAY_END_BY.has(result.code ?? ''))
      violations.push(`${taskId} ended as ${result.outcome} (${result.code})`);
  }
  return { invariant: 'I2', checked: tasks.length, violations };
};

const sum = (amounts: Iterable<string>): Picodollars =>
  [...amounts].reduce((total, usd) => total + parseUsd(usd), 0n);

const checkCosts = (history: readonly HistoryEntry[], journals: Journals): Verdict => {
  const violations: string[] = [];
  const tasks = entriesOf(history, 'acknowledged');
  const agentCap = entriesOf(history, 'terms')[0]?.maxUsd ?? '0';
  const charges = groupedBy(entriesOf(history, 'charged'), ({ taskId }) => taskId);
  const costs = groupedBy(entriesOf(history, 'cost'), ({ taskId }) => taskId);
  for (const { taskId, maxUsd } of tasks) {
    // Written twice, or lost first and settled later: the last one of an id says it.
    const last = new Map((costs.get(taskId) ?? []).map((cost) => [cost.costId, cost]));
    const charged = charges.get(taskId) ?? [];
    const ledger = sum([...last.values()].map(({ usd }) => usd));
    const metered = sum(charged.map(({ usd }) => usd));
    const cap = parseUsd(maxUsd ?? agentCap);
    const said = `${formatUsd(ledger)} USD in its cost events`;
    if (ledger < metered) violations.push(`${taskId}: ${said}, ${formatUsd(metered)} metered`);
    if (ledger > cap) violations.push(`${taskId}: ${said}, over its budget of ${formatUsd(cap)}`);
    const undisturbed = foldOf(journals.get(taskId) ?? []).claims === 1 && !charged.some(({ lost }) => lost);
    if (undisturbed && ledger !== metered)
      violations.push(`${taskId}: ${said}, ${formatUsd(metered)} metered, though one claim ran through`);
  }
  return { invariant: 'I3', checked: tasks.length, violations };
};

const checkDeeds = (history: readonly HistoryEntry[], journals: Journals): Verdict => {
  const violations: string[] = [];
  const asked = entriesOf(history, 'deed').filter(({ deed }) => deed !== 'look');
  const byDeed = groupedBy(asked, ({ taskId, number }) => `${taskId} deed ${number}`);
  for (const [name, requests] of byDeed) {
    const applied = requests.filter((request) => request.applied).length;
    if (applied > 1) violations.push(`${name} took effect ${applied} times`);
    if (requests.length > 1 && requests.some(({ deed }) => deed === 'stamp'))
      violations.push(`${name} takes no key and was asked for ${requests.length} times`);
  }
  const byKey = groupedBy(asked, ({ key }) => key);
  for (const [key, requests] of byKey) {
    if (new Set(requests.map(({ taskId, number }) => `${taskId} ${number}`)).size > 1)
      violations.push(`the key ${key} stands for more than one deed`);
    const { taskId = '' } = requests[0] ?? {};
    const intents = (journals.get(taskId) ?? []).filter(({ type }) => type === 'intent');
    if (!intents.some(({ idempotencyKey }) => idempotencyKey === key))
      violations.push(`${taskId}: the effect ${key} was asked for without an intent in the journal`);
  }
  return { invariant: 'I8', checked: byDeed.size, violations };
};
