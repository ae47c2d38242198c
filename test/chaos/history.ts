/** What happened in a chaos run, as it is kept in its history file: one JSON object a line, times since the load began. */
import type { AgentEvent } from '../../schemas/records.ts';
import type { Deed, Fault } from './plan-chaos.ts';

/** The part of a journal event that the invariants are held against. */
export type JournaledEvent = Pick<
  AgentEvent,
  'executionId' | 'taskId' | 'epoch' | 'sequence' | 'type' | 'worker' | 'step' | 'name' | 'idempotencyKey'
>;

export type HistoryEntry =
  | {
      readonly kind: 'terms';
      readonly seed: number;
      readonly plant: string | null;
      /** Exact decimal in US dollars: the agent's own cap. */
      readonly maxUsd: string;
    }
  /** The task was appended and Kafka said so. */
  | {
      readonly kind: 'acknowledged';
      readonly atMs: number;
      readonly taskId: string;
      readonly deeds: readonly Deed[];
      readonly maxUsd: string | null;
    }
  /** The provider metered a call, whether or not its reply arrived. `lost`: the provider broke the connection off. */
  | {
      readonly kind: 'charged';
      readonly atMs: number;
      readonly taskId: string;
      readonly usd: string;
      readonly lost: boolean;
    }
  /** A deed was asked for outside; `number`: which of the task's deeds, from 0. `applied`: false where its key was known. */
  | {
      readonly kind: 'deed';
      readonly atMs: number;
      readonly taskId: string;
      readonly number: number;
      readonly deed: Deed;
      readonly key: string;
      readonly applied: boolean;
    }
  | { readonly kind: 'fault'; readonly atMs: number; readonly fault: Fault }
  /** `said` is the last of its log where it ended by itself. */
  | {
      readonly kind: 'process';
      readonly atMs: number;
      readonly process: string;
      readonly what: 'started' | 'ended' | 'stopped' | 'continued';
      readonly said: string | null;
    }
  | { readonly kind: 'healed'; readonly atMs: number }
  /** The journal, in order within a partition. */
  | {
      readonly kind: 'journal';
      readonly partition: number;
      readonly offset: number;
      readonly event: JournaledEvent;
    }
  /** A record of freshet.results, in order within a partition. `digest` is a hash of the whole record. */
  | {
      readonly kind: 'result';
      readonly taskId: string;
      readonly outcome: string;
      readonly code: string | null;
      readonly costUsd: string;
      readonly digest: string;
    }
  /** A record of freshet.costs, in order within a partition. */
  | {
      readonly kind: 'cost';
      readonly taskId: string;
      readonly costId: string;
      readonly usd: string;
      readonly settled: boolean;
    };

export type EntryOf<Kind extends HistoryEntry['kind']> = Extract<HistoryEntry, { readonly kind: Kind }>;

/** The entries of a kind, in order. */
export const entriesOf = <Kind extends HistoryEntry['kind']>(
  history: readonly HistoryEntry[],
  kind: Kind,
): readonly EntryOf<Kind>[] => history.filter((entry): entry is EntryOf<Kind> => entry.kind === kind);

/** By a key, each group in order. */
export const groupedBy = <Of>(
  items: readonly Of[],
  keyOf: (item: Of) => string,
): ReadonlyMap<string, Of[]> => {
  const groups = new Map<string, Of[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
};
