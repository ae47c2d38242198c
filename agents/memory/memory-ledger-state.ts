/**
 * What stands of all memories, without their words: the fold of cdc.memory that merging, pruning, rebuilding and repairing go by.
 * Newest version wins, in whatever order records come. Kept in place; nothing here reads a clock.
 */
import { memoryVersion } from '../../schemas/memory-source.ts';
import type { JournalPlace } from '../../schemas/recollection.ts';
import type { Memory } from '../../schemas/records.ts';
import { namespaceOf, SUMMARISED } from './memory-record.ts';

export type HeldMemory = Omit<Memory, 'title' | 'text' | 'origin'>;

interface Session {
  readonly tenant: string;
  readonly agent: string;
  readonly sessionId: string | null;
}

export interface MemoryLedger {
  /** False: it is older than what stands. */
  take(memory: Memory): boolean;
  /** Its last record went by compaction. */
  dropped(memoryId: string): void;
  get(memoryId: string): HeldMemory | undefined;
  namespaces(): Iterable<string>;
  /** Whatever its state. */
  of(namespace: string): Iterable<HeldMemory>;
  /** Behaviours whose words an execution left last, whatever their state. */
  behavioursOf(executionId: string): Iterable<HeldMemory>;
  /** True where a turn that was written at a place is not to be read from the journal again: moved, forgotten, or undone. */
  isCut(place: JournalPlace, session: Session): boolean;
  /** True where a person has had it forgotten. */
  isForgotten: MemoryLedger['isCut'];
  size(): number;
}

const holds = ({ places }: HeldMemory, { topic, partition, offset }: JournalPlace): boolean =>
  places.some(
    (each) =>
      each.topic === topic && each.partition === partition && each.from <= offset && offset <= each.to,
  );

/** Cuts of one session are few; what belongs to none is cut under an empty name, and all of an agent under none. */
const cutKeyOf = ({ tenant, agent, sessionId }: Session): string =>
  JSON.stringify([tenant, agent, sessionId]);

const cuts = ({ kind }: HeldMemory): boolean => kind === 'cut';

export const createMemoryLedger = (): MemoryLedger => {
  const held = new Map<string, HeldMemory>();
  const byNamespace = new Map<string, Map<string, HeldMemory>>();
  const bySession = new Map<string, Map<string, HeldMemory>>();
  const behaviours = new Map<string, Map<string, HeldMemory>>();

  const put = (into: Map<string, Map<string, HeldMemory>>, key: string, memory: HeldMemory): void => {
    const group = into.get(key) ?? new Map<string, HeldMemory>();
    into.set(key, group);
    group.set(memory.memoryId, memory);
  };
  const removeFrom = (from: Map<string, Map<string, HeldMemory>>, key: string, memoryId: string): void => {
    const group = from.get(key);
    group?.delete(memoryId);
    if (group?.size === 0) from.delete(key);
  };

  const cutsOf = (session: Session): readonly HeldMemory[] =>
    [session.sessionId ?? '', null].flatMap((sessionId) => [
      ...(bySession.get(cutKeyOf({ ...session, sessionId }))?.values() ?? []),
    ]);

  return {
    take: ({ title: _, text: __, origin: ___, ...memory }) => {
      const before = held.get(memory.memoryId);
      if (before && memoryVersion(before) >= memoryVersion(memory)) return false;
      held.set(memory.memoryId, memory);
      if (before) removeFrom(behaviours, before.executionId ?? '', before.memoryId);
      if (memory.kind === 'behaviour') put(behaviours, memory.executionId ?? '', memory);
      put(byNamespace, namespaceOf(memory), memory);
      if (cuts(memory)) put(bySession, cutKeyOf(memory), memory);
      return true;
    },
    dropped: (memoryId) => {
      const before = held.get(memoryId);
      if (!before) return;
      held.delete(memoryId);
      removeFrom(byNamespace, namespaceOf(before), memoryId);
      removeFrom(behaviours, before.executionId ?? '', memoryId);
      if (cuts(before)) removeFrom(bySession, cutKeyOf(before), memoryId);
    },
    get: (memoryId) => held.get(memoryId),
    namespaces: () => byNamespace.keys(),
    of: (namespace) => byNamespace.get(namespace)?.values() ?? [],
    behavioursOf: (executionId) => behaviours.get(executionId)?.values() ?? [],
    isCut: (place, session) => cutsOf(session).some((memory) => holds(memory, place)),
    isForgotten: (place, session) =>
      cutsOf(session).some((memory) => memory.reason !== SUMMARISED && holds(memory, place)),
    size: () => held.size,
  };
};
