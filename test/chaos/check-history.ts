/**
 * Holds a history against the invariants. Pure, and with folds of its own over the journal, so that a worker that folds
 * wrongly is found by what it wrote.
 *
 * - I2: an acknowledged task has one terminal result: one `response` that counts in its journal, and results that are all the
 *   same record. A completed task did every deed it was given. Posted again, it is the same task.
 * - I3: check-costs.ts.
 * - I8: of each deed of a task at most one took effect; one that takes no key was asked for at most once; and no effect was asked
 *   for whose intent is not in the journal.
 * - Sessions and what the gateway shows are what the journal says: check-sessions.ts, check-views.ts.
 */
import { checkCosts } from './check-costs.ts';
import { checkSessions } from './check-sessions.ts';
import { checkViews } from './check-views.ts';
import { foldOf, type Journals, journalsOf } from './fold-journal.ts';
import { type EntryOf, entriesOf, groupedBy, type HistoryEntry } from './history.ts';

export interface Verdict {
  readonly invariant: 'I2' | 'I3' | 'I8' | 'sessions' | 'read models';
  /** Tasks, deeds, or executions that were told of their session. */
  readonly checked: number;
  readonly violations: readonly string[];
}

export const checkHistory = (history: readonly HistoryEntry[]): readonly Verdict[] => {
  const journals = journalsOf(history);
  return [
    checkResults(history, journals),
    checkCosts(history, journals),
    checkDeeds(history, journals),
    checkSessions(history),
    checkViews(history),
  ];
};

/** How a task may end beside with an answer; whatever else ends one is a violation, but the thrifty agent's budget of the day. */
const MAY_END_BY: ReadonlySet<string> = new Set([
  'effect-unknown',
  'call-lost',
  'poison',
  'money-cap',
  'model-failed',
]);

const mayEndBy = (code: string | null, { agent }: EntryOf<'acknowledged'>): boolean =>
  MAY_END_BY.has(code ?? '') || (agent === 'thrifty' && code === 'agent-budget');

const checkResults = (history: readonly HistoryEntry[], journals: Journals): Verdict => {
  const violations: string[] = [];
  const tasks = entriesOf(history, 'acknowledged');
  const results = groupedBy(entriesOf(history, 'result'), ({ taskId }) => taskId);
  const deeds = groupedBy(
    entriesOf(history, 'deed').filter(({ applied }) => applied),
    ({ taskId }) => taskId,
  );
  const ids = new Map(tasks.map(({ taskId, as }) => [taskId, as]));
  for (const { taskId, as } of entriesOf(history, 'posted-again'))
    if (as !== ids.get(taskId))
      violations.push(`${taskId} was accepted as ${ids.get(taskId)}, and again as ${as}`);
  for (const { taskId, status, code } of entriesOf(history, 'refused'))
    violations.push(`${taskId} was refused: ${status} ${code}`);
  for (const task of tasks) {
    const { taskId, as } = task;
    const found = results.get(as) ?? [];
    const [result] = found;
    const { responses } = foldOf(journals.get(as) ?? []);
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
    } else if (!mayEndBy(result.code, task))
      violations.push(`${taskId} ended as ${result.outcome} (${result.code})`);
  }
  return { invariant: 'I2', checked: tasks.length, violations };
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
  const intents = new Set(
    [...journals.values()]
      .flat()
      .flatMap(({ type, idempotencyKey }) => (type === 'intent' ? [idempotencyKey] : [])),
  );
  const byKey = groupedBy(asked, ({ key }) => key);
  for (const [key, requests] of byKey) {
    if (new Set(requests.map(({ taskId, number }) => `${taskId} ${number}`)).size > 1)
      violations.push(`the key ${key} stands for more than one deed`);
    if (!intents.has(key))
      violations.push(
        `${requests[0]?.taskId}: the effect ${key} was asked for without an intent in the journal`,
      );
  }
  return { invariant: 'I8', checked: byDeed.size, violations };
};
