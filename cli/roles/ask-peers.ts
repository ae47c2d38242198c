/** Asks the other roles for their metrics. One that does not answer is no failure of the whole, and is not forgotten either. */
import { type RoleMetrics, roleOf } from '../../gateway/views/role-counters.ts';

const WITHIN_MS = 1_000;

/** `peers`: base URLs. What it gives never throws. */
export const askPeers = (peers: readonly string[]): (() => Promise<readonly RoleMetrics[]>) => {
  const roles = new Map<string, string>();
  const ask = async (peer: string): Promise<RoleMetrics> => {
    const at = URL.canParse(peer) ? new URL(peer).host : peer;
    try {
      const answer = await fetch(`${peer}/metrics.json`, { signal: AbortSignal.timeout(WITHIN_MS) });
      if (!answer.ok) throw new Error(`${peer} answered ${answer.status}`);
      const metrics: unknown = await answer.json();
      const role = roleOf(metrics);
      if (role !== null) roles.set(peer, role);
      return { at, role, metrics };
    } catch {
      return { at, role: roles.get(peer) ?? null, metrics: undefined };
    }
  };
  return () => Promise.all(peers.map(ask));
};
