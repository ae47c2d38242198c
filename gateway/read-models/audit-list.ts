/** Who changed what of late: the last records of freshet.audit. Bounded; read again, it comes out the same. */
import type { Audit } from '../../schemas/records.ts';

/** As it stands on the topic. */
export interface AuditEntry extends Audit {
  /** topic:partition:offset of the record. */
  readonly position: string;
}

export interface AuditFilter {
  /** Microseconds since the Unix epoch. */
  readonly since?: number | undefined;
  /** Noun and verb, or the noun alone. */
  readonly action?: string | undefined;
  /** One of the targets, whole. */
  readonly target?: string | undefined;
  /** Whose; left out, all of them, with what is no one tenant's. */
  readonly tenant?: string | undefined;
}

export interface AuditList {
  add(entry: AuditEntry): void;
  /** Newest first, with how many match in all. */
  list(limit: number, filter?: AuditFilter): { readonly held: number; readonly items: readonly AuditEntry[] };
  clear(): void;
}

/** As many as are read when a gateway starts (read-topics.ts). */
const MAX_HELD = 1_000;
/** Of all that are held: one may have a thousand. */
const MAX_TARGETS = 100_000;

const matches =
  ({ since, action, target, tenant }: AuditFilter) =>
  (entry: AuditEntry): boolean =>
    (since === undefined || entry.at >= since) &&
    (action === undefined || entry.action === action || entry.action.startsWith(`${action} `)) &&
    (target === undefined || entry.targets.includes(target)) &&
    (tenant === undefined || entry.tenant === tenant);

export const createAuditList = (limits = { held: MAX_HELD, targets: MAX_TARGETS }): AuditList => {
  const held = new Map<string, AuditEntry>();
  let targets = 0;
  const remove = (position: string): void => {
    targets -= held.get(position)?.targets.length ?? 0;
    held.delete(position);
  };
  return {
    add: (entry) => {
      remove(entry.position);
      held.set(entry.position, entry);
      targets += entry.targets.length;
      for (const position of held.keys()) {
        if (held.size <= limits.held && targets <= limits.targets) break;
        remove(position);
      }
    },
    list: (limit, filter = {}) => {
      const found = [...held.values()].filter(matches(filter)).reverse();
      return { held: found.length, items: found.slice(0, limit) };
    },
    clear: () => {
      held.clear();
      targets = 0;
    },
  };
};
