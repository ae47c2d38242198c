/** Builds graphs for whoever started it, one after the other, at a low priority: searches come first. See graph-builder.ts. */
import { constants, setPriority } from 'node:os';
import { dirname } from 'node:path';
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { tryLock } from '../stack/owner-lock.ts';
import { buildGraph, type GraphPlan } from './build-graph.ts';
import { type BuilderAnswer, type BuilderOrder, builderLock, type PlanLists } from './graph-builder.ts';
import { startEngine } from './zvec-engine.ts';

setPriority(constants.priority.PRIORITY_LOW);
// Whoever wanted the graph is gone: a next process may want the folder.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

/** Until this process ends. */
let locked: ReturnType<typeof tryLock> | undefined;

const build = async (plan: GraphPlan): Promise<void> => {
  const folder = dirname(plan.folder);
  locked ??= tryLock(builderLock(folder));
  if ('heldBy' in (await locked))
    throw new FreshetError('index-unavailable', `another process builds in ${folder}`);
  startEngine(1, plan.threads);
  await buildGraph(plan);
};

type Lists = { -readonly [Name in keyof PlanLists]: PlanLists[Name][number][] };
const noLists = (): Lists => ({ rows: [], removed: [], removedOfMerged: [] });
let lists = noLists();
const answer = (told: BuilderAnswer): void => void process.send?.(told);

process.on('message', (message: unknown) => {
  const order = message as BuilderOrder;
  if (!('plan' in order)) {
    // One by one: a push of many arguments has a limit.
    for (const row of order.rows ?? []) lists.rows.push(row);
    for (const id of order.removed ?? []) lists.removed.push(id);
    for (const id of order.removedOfMerged ?? []) lists.removedOfMerged.push(id);
    return;
  }
  const taken = lists;
  lists = noLists();
  build({ ...order.plan, ...taken }).then(
    () => answer({ failure: null }),
    (thrown: unknown) => {
      const { code, message } = toFreshetError(thrown);
      answer({ failure: { code, message } });
    },
  );
});
