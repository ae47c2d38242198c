/** What the gateway shows of every task when nothing more comes: asked again while it may not have read all. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expectedViews, wronglyShown } from './check-views.ts';
import type { GatewayClient } from './gateway-client.ts';
import type { EntryOf, HistoryEntry } from './history.ts';
import type { Patience } from './patience.ts';

const AT_ONCE = 8;
const LOOK_MS = 500;

/** `history`: with journal and costs. */
export const lookAtGateway = async (
  gateway: GatewayClient,
  history: readonly HistoryEntry[],
  patience: Patience,
): Promise<readonly EntryOf<'shown'>[]> => {
  const expected = expectedViews(history);
  const shown = new Map<string, EntryOf<'shown'>>();
  for (let left: readonly string[] = [...expected.keys()]; left.length > 0; ) {
    const ids = left.values();
    const looking = async (): Promise<void> => {
      for (const taskId of ids) {
        const seen = await gateway.look(taskId);
        if (seen) shown.set(taskId, { kind: 'shown', ...seen });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, looking));
    left = wronglyShown(expected, shown);
    patience.saw(expected.size - left.length);
    if (!patience.lasts()) break;
    if (left.length > 0) await sleep(LOOK_MS);
  }
  return [...shown.values()];
};
