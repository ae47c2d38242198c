/** Long-term memories onto cdc.memory: near-duplicates become one, and what was written is known before it comes back. */
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { LongTermPolicy } from '../../schemas/memory-policy.ts';
import type { Memory } from '../../schemas/records.ts';
import type { Retriever } from '../../schemas/search.ts';
import type { MemoryLedger } from './memory-ledger-state.ts';
import { memoryRecord } from './memory-record.ts';
import { mergeMemories } from './merge-state.ts';
import { memoryIdOfDocument } from './recall-memories.ts';

/** `beside` goes with it in one append. Gives the memory as appended; undefined where it stood already. Errors: `append-failed`. */
export type WriteMemories = (
  memory: Memory,
  policy: LongTermPolicy,
  beside?: readonly Memory[],
) => Promise<Memory | undefined>;

const QUERY_CHARACTERS = 4_000;
const NEAREST = 3;
const SEARCH_WITHIN_MS = 2_000;

export const createWriteMemories =
  (settings: {
    readonly writer: Pick<RecordWriter, 'append'>;
    readonly codec: Pick<RecordCodec, 'encode'>;
    readonly retriever: Retriever;
    readonly ledger: MemoryLedger;
    /** The index did not answer: the memory stands for itself then, and a later one may take it in. */
    readonly onTrouble: (error: Error) => void;
  }): WriteMemories =>
  async (memory, policy, beside = []) => {
    const { ledger, codec } = settings;
    const same = ledger.get(memory.memoryId);
    const near = same ?? (await nearest(settings, memory, policy));
    const merged = near ? mergeMemories(near, memory) : memory;
    const written = [...(merged ? [merged] : []), ...beside];
    if (written.length === 0) return undefined;
    await settings.writer.append(written.map((each) => memoryRecord(codec, each)));
    for (const each of written) ledger.take(each);
    return merged;
  };

/** A memory of the same kind that says the same, as far as the index shows it by now. */
const nearest = async (
  {
    retriever,
    ledger,
    onTrouble,
  }: {
    readonly retriever: Retriever;
    readonly ledger: MemoryLedger;
    readonly onTrouble: (error: Error) => void;
  },
  { title, text, tenant, agent, kind }: Memory,
  { mergeAbove }: LongTermPolicy,
) => {
  try {
    const { hits } = await retriever.search(
      {
        // As it will be embedded: title and text.
        query: `${title}\n${text}`.slice(0, QUERY_CHARACTERS),
        tenant,
        memoriesOf: agent,
        filter: { memoryKind: kind },
        topK: NEAREST,
        maxPerDocument: 1,
        mode: 'vector',
      },
      AbortSignal.timeout(SEARCH_WITHIN_MS),
    );
    return hits
      .filter(({ score }) => score >= mergeAbove)
      .map(({ documentId }) => ledger.get(memoryIdOfDocument(documentId)))
      .find((held) => held?.state === 'kept');
  } catch (error) {
    onTrouble(error as Error);
    return undefined;
  }
};
