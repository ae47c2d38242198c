/** What all roles have counted, for as long as this gateway runs: of one that is silent what it told last, of one that was restarted what it had counted before too. */
import { type Counted, countedOn, NOTHING_COUNTED, withCounted } from './views/counted-on.ts';
import type { RoleMetrics } from './views/role-counters.ts';

/** JSON metrics of each role, to be summed. Nothing throws. */
export type RoleCounts = () => Promise<readonly unknown[]>;

export const keepRoleCounts = (ask: () => Promise<readonly RoleMetrics[]>): RoleCounts => {
  const kept = new Map<string, Counted>();
  let asking: Promise<readonly unknown[]> | undefined;
  const tell = async (): Promise<readonly unknown[]> => {
    const answers = await ask().catch(() => []);
    for (const { at, metrics } of answers)
      if (metrics !== undefined) kept.set(at, countedOn(kept.get(at) ?? NOTHING_COUNTED, metrics));
    return [...kept].map(([at, counted]) =>
      withCounted(counted, answers.find((each) => each.at === at)?.metrics),
    );
  };
  return () => {
    // One at a time: of two that overtake each other the older answer would look like a restart.
    asking ??= tell().finally(() => {
      asking = undefined;
    });
    return asking;
  };
};
