/**
 * Holds what executions were told of their sessions against the journal. Redis may lose all it knows at any moment; whoever is told that
 * a session is known, or new, is told the truth.
 *
 * - Told of: turns of executions of the same session that completed before, in their order, each once.
 * - Not left out: what the same worker remembered under the same ownership, and what any execution of the session was told of before.
 *   What another worker ended a moment before it died may still be under way.
 * - At the last look, after Redis was lost once more, each session is known with all of its turns, or new where there are none.
 */
import { countedOf } from './fold-journal.ts';
import { entriesOf, groupedBy, type HistoryEntry, type JournaledEvent } from './history.ts';

const TOLD: ReadonlySet<string> = new Set(['known', 'new']);

export const checkSessions = (
  history: readonly HistoryEntry[],
): { readonly invariant: 'sessions'; readonly checked: number; readonly violations: readonly string[] } => {
  const rollCalls = new Set(
    entriesOf(history, 'acknowledged')
      .filter(({ rollCall }) => rollCall)
      .map(({ as }) => as),
  );
  const events = entriesOf(history, 'journal').map(({ event }) => event);
  const sessions = groupedBy(
    countedOf(events.filter(({ sessionId }) => sessionId !== null)),
    ({ sessionId }) => sessionId ?? '',
  );
  let checked = 0;
  const violations = [...sessions].flatMap(([sessionId, counted]) => {
    const { told, found } = checkSession(counted, rollCalls);
    checked += told;
    return found.map((violation) => `${sessionId}: ${violation}`);
  });
  return { invariant: 'sessions', checked, violations };
};

/** `told`: executions that were told something. */
const checkSession = (
  events: readonly JournaledEvent[],
  rollCalls: ReadonlySet<string>,
): { readonly told: number; readonly found: readonly string[] } => {
  const found: string[] = [];
  /** By execution, in order: whose turn it is. */
  const ended = new Map<string, string>();
  const seen = new Set<string>();
  let told = 0;
  let rolls = 0;
  for (const { type, name, taskId, executionId, worker, recalled } of events) {
    if (type === 'response' && name === 'completed') ended.set(executionId, worker);
    if (!recalled || !TOLD.has(recalled.session)) continue;
    told += 1;
    const isRollCall = rollCalls.has(taskId);
    if (isRollCall) rolls += 1;
    const turns = new Set(recalled.turns);
    const order = [...ended.keys()].filter((each) => turns.has(each));
    if (order.join() !== recalled.turns.join())
      found.push(
        `${taskId} was told of ${recalled.turns.length} turns that are not those of its session, in their order`,
      );
    const missing = [...ended].filter(
      ([each, by]) => !turns.has(each) && (isRollCall || seen.has(each) || by === worker),
    );
    if (missing.length > 0)
      found.push(
        `${taskId} was told that it is ${recalled.session}, without ${missing.length} of ${ended.size} turns`,
      );
    for (const each of recalled.turns) seen.add(each);
  }
  if (rolls === 0) found.push('nobody could say at the end what it holds');
  return { told, found };
};
