/** What happened in a chaos run, as it is kept in its history file: one JSON object a line, times since the load began. */
import type { SessionState } from '../../schemas/recollection.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import type { ChaosAgentName, Deed, Fault } from './chaos-plan.ts';

/** The part of a journal event that the invariants are held against. */
export type JournaledEvent = Pick<
  AgentEvent,
  | 'executionId'
  | 'taskId'
  | 'sessionId'
  | 'epoch'
  | 'sequence'
  | 'type'
  | 'worker'
  | 'step'
  | 'name'
  | 'idempotencyKey'
> & {
  /** Of the error that it carries. */
  readonly code: string | null;
  /** Of a recall: what was said of the session, and the executions whose turns it was told of. */
  readonly recalled: { readonly session: SessionState; readonly turns: readonly string[] } | null;
};

export type HistoryEntry =
  | {
      readonly kind: 'terms';
      readonly seed: number;
      readonly plant: string | null;
      /** Exact decimal in US dollars: an execution's own cap. */
      readonly maxUsd: string;
      /** Of the thrifty agent, exact decimal in US dollars. */
      readonly dayUsd: string;
    }
  /** The task was appended and Kafka said so, or posted and the gateway accepted it. */
  | {
      readonly kind: 'acknowledged';
      readonly atMs: number;
      readonly taskId: string;
      /** The id that it has since: the gateway gives one of its own. */
      readonly as: string;
      readonly agent: ChaosAgentName;
      readonly deeds: readonly Deed[];
      readonly maxUsd: string | null;
      /** Of the last look at what is remembered: Redis was lost once more before it. */
      readonly rollCall: boolean;
    }
  /** The same was posted once more under its idempotency key, and answered with this id. */
  | { readonly kind: 'posted-again'; readonly atMs: number; readonly taskId: string; readonly as: string }
  /** The gateway will not take it: neither busy nor broken, it says that something is wrong with it. */
  | {
      readonly kind: 'refused';
      readonly atMs: number;
      readonly taskId: string;
      readonly status: number;
      readonly code: string;
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
  /** All has ended, and Redis was killed a last time. */
  | { readonly kind: 'forgotten'; readonly atMs: number }
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
      readonly agent: string;
      /** UTC, 2026-11-21. */
      readonly day: string;
      readonly usd: string;
      readonly settled: boolean;
    }
  /** What Redis counts as the thrifty agent's money of a day, at the end. `known`: false where it was not counted again. */
  | { readonly kind: 'ledger'; readonly day: string; readonly known: boolean; readonly usd: string }
  /** What the gateway says of a task, at the end. */
  | {
      readonly kind: 'shown';
      readonly taskId: string;
      readonly state: string;
      readonly code: string | null;
      readonly costUsd: string;
      /** How many workers took it on, one after the other. */
      readonly claims: number;
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
