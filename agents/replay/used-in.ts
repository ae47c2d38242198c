/**
 * Which decisions had a document or a memory before them: an execution has it from the step that brought it, a retrieval,
 * a tool's result, or a memory recalled, and every decision after that was made with it in context. Kept in place, as
 * it follows a log; no I/O. Bounded: of many executions at once the oldest is told of as far as it went.
 */
import { RETRIEVE } from '../../schemas/execution-payloads.ts';
import type { AgentEvent } from '../../schemas/records.ts';

export interface UsedBy {
  readonly executionId: string;
  readonly taskId: string;
  readonly agent: string;
  readonly tenant: string | null;
  /** How it came in, each time. */
  readonly brought: readonly {
    readonly step: number;
    readonly via: 'retrieve' | 'tool' | 'memory';
    readonly name: string | null;
    readonly offset: number;
    /** Of a document: what stood there; null where the record does not say. */
    readonly version: string | null;
    readonly ageMs: number | null;
  }[];
  /** Made with it in context, in order. */
  readonly decisions: readonly {
    readonly step: number;
    readonly kind: 'model' | 'tool' | 'answer';
    readonly name: string | null;
    readonly offset: number;
    readonly at: number;
  }[];
  /** The answer cites it. */
  readonly cited: boolean;
  /** False: its end was not among what was read. */
  readonly ended: boolean;
  readonly partition: number;
}

export interface UseSearch {
  /** False: a record that neither names it nor belongs to an execution that has it needs no decoding. */
  concerns(key: string, value: Buffer): boolean;
  /** Returns what can be told of now. */
  offer(partition: number, offset: number, event: AgentEvent): readonly UsedBy[];
  /** Those whose end did not come. */
  rest(): readonly UsedBy[];
}

type Open = Omit<UsedBy, 'brought' | 'decisions'> & {
  readonly brought: UsedBy['brought'][number][];
  readonly decisions: UsedBy['decisions'][number][];
};

const MAX_OPEN = 10_000;

/** `id`: of a document or a memory, as hits and memories carry it. */
export const createUseSearch = (id: string): UseSearch => {
  const quoted = JSON.stringify(id);
  const bytes = Buffer.from(quoted);
  const open = new Map<string, Open>();
  const executions = new Map<string, string>();

  const take = (executionId: string): Open | undefined => {
    const found = open.get(executionId);
    open.delete(executionId);
    if (found) executions.delete(found.taskId);
    return found;
  };

  return {
    concerns: (key, value) => executions.has(key) || value.includes(bytes),
    offer: (partition, offset, event) => {
      const { executionId, taskId, agent, tenant, step, name, at } = event;
      const brought = broughtBy(event, id, quoted);
      let held = open.get(executionId);
      if (!held && brought.length === 0) return [];
      if (!held) {
        held = {
          ...{ executionId, taskId, agent, tenant, partition },
          ...{ brought: [], decisions: [], cited: false, ended: false },
        };
        open.set(executionId, held);
        executions.set(taskId, executionId);
      }
      held.brought.push(...brought.map((each) => ({ ...each, offset })));
      const kind = decisionKindOf(event);
      if (kind && brought.length === 0) held.decisions.push({ step, kind, name, offset, at });
      if (event.type === 'response') {
        take(executionId);
        return [{ ...held, cited: citedIn(event.output, quoted), ended: true }];
      }
      const [oldest] = open.size > MAX_OPEN ? open.keys() : [];
      const left = oldest === undefined ? undefined : take(oldest);
      return left ? [left] : [];
    },
    rest: () => [...open.values()],
  };
};

const decisionKindOf = (event: AgentEvent): 'model' | 'tool' | 'answer' | null => {
  if (event.type === 'response') return 'answer';
  if (event.type === 'llm-response') return 'model';
  return event.type === 'tool-call' && event.name !== RETRIEVE ? 'tool' : null;
};

type Brought = Omit<UsedBy['brought'][number], 'offset'>;

const broughtBy = (event: AgentEvent, id: string, quoted: string): readonly Brought[] => {
  const { step, name } = event;
  if (event.type === 'tool-call' && event.output?.includes(quoted)) {
    const via = name === RETRIEVE ? 'retrieve' : 'tool';
    return [{ step, via, name, ...foundIn(event, id) }];
  }
  if (event.type === 'memory-update' && (event.output?.includes(quoted) || event.input?.includes(quoted)))
    return [{ step, via: 'memory', name, ...foundIn(event, id) }];
  return [];
};

const NOTHING = { version: null, ageMs: null } as const;

const foundIn = (
  { output, at }: AgentEvent,
  id: string,
): { readonly version: string | null; readonly ageMs: number | null } => {
  try {
    const value = JSON.parse(output ?? 'null') as {
      readonly hits?: unknown;
      readonly memories?: unknown;
    } | null;
    const lists = [value?.hits, value?.memories].filter(Array.isArray) as Readonly<
      Record<string, unknown>
    >[][];
    const hit = lists.flat().find((each) => each.documentId === id || each.memoryId === id);
    if (!hit) return NOTHING;
    return {
      version: typeof hit.version === 'string' ? hit.version : null,
      ageMs: ageOf(hit, at),
    };
  } catch {
    return NOTHING;
  }
};

/** A document says how old it was; a memory when it was learned. */
const ageOf = ({ ageMs, at }: Readonly<Record<string, unknown>>, now: number): number | null => {
  if (typeof ageMs === 'number') return ageMs;
  return typeof at === 'number' ? Math.max(0, (now - at) / 1_000) : null;
};

const citedIn = (output: string | null, quoted: string): boolean => {
  if (output === null || !output.includes(quoted)) return false;
  try {
    const terminal = JSON.parse(output) as { readonly output?: { readonly citations?: unknown } | null };
    return JSON.stringify(terminal.output?.citations ?? null).includes(quoted);
  } catch {
    return false;
  }
};
