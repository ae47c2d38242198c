/** Holds what the gateway shows of each task at the end against the journal and the cost events: state, error, money, claims. Pure. */
import { formatUsd } from '../../schemas/money.ts';
import { ledgerOf } from './check-costs.ts';
import { foldOf, journalsOf } from './fold-journal.ts';
import { type EntryOf, entriesOf, groupedBy, type HistoryEntry } from './history.ts';

type Shown = Omit<EntryOf<'shown'>, 'kind'>;

/** By the id that the gateway knows a task by. */
export const expectedViews = (history: readonly HistoryEntry[]): ReadonlyMap<string, Shown> => {
  const journals = journalsOf(history);
  const costs = groupedBy(entriesOf(history, 'cost'), ({ taskId }) => taskId);
  return new Map(
    entriesOf(history, 'acknowledged').map(({ as: taskId }) => {
      const { epoch, end } = foldOf(journals.get(taskId) ?? []);
      const state = end === null ? 'pending' : end.name === 'completed' ? 'completed' : 'failed';
      const costUsd = formatUsd(ledgerOf(costs.get(taskId) ?? []));
      return [taskId, { taskId, state, code: end?.code ?? null, costUsd, claims: epoch }];
    }),
  );
};

const textOf = ({ state, code, costUsd, claims }: Shown): string =>
  `${state}${code === null ? '' : ` (${code})`}, ${costUsd} USD, ${claims} claims`;

/** Ids of tasks that are shown otherwise than they are. */
export const wronglyShown = (
  expected: ReadonlyMap<string, Shown>,
  shown: ReadonlyMap<string, Shown>,
): readonly string[] =>
  [...expected].flatMap(([taskId, each]) => {
    const seen = shown.get(taskId);
    return seen && textOf(seen) === textOf(each) ? [] : [taskId];
  });

export const checkViews = (
  history: readonly HistoryEntry[],
): {
  readonly invariant: 'read models';
  readonly checked: number;
  readonly violations: readonly string[];
} => {
  const expected = expectedViews(history);
  const shown = new Map(entriesOf(history, 'shown').map((each) => [each.taskId, each]));
  const violations = wronglyShown(expected, shown).map((taskId) => {
    const [seen, each] = [shown.get(taskId), expected.get(taskId)];
    return `${taskId} is shown as ${seen ? textOf(seen) : 'nothing'}; the journal says ${each ? textOf(each) : 'nothing'}`;
  });
  return { invariant: 'read models', checked: expected.size, violations };
};
