/** One run of an execution under one claim: what is run, and with what services. */
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import type { PayloadReader } from '../../connectors/payloads/payload-reader.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { UserInput } from '../../schemas/execution-payloads.ts';
import type { AgentEvent, TaskPosition } from '../../schemas/records.ts';
import type { Retriever } from '../../schemas/search.ts';
import type { TaskTrace } from '../../schemas/task-trace.ts';
import type { EphemeralMemory } from '../memory/ephemeral-memory.ts';
import type { JournalPlace } from '../replay/recorded-execution.ts';
import type { ResultCache } from '../tools/result-cache.ts';
import type { CallGuards } from './call-guards.ts';
import type { DecisionFacts } from './decision-facts.ts';
import type { ExecutionControls } from './execution-controls.ts';
import type { Identity } from './execution-journal.ts';
import type { ExecutionMemory } from './execution-memory.ts';
import type { PartitionJournal } from './partition-journal.ts';
import type { TaskWaits } from './partition-waits.ts';
import type { OnRuntimeEvent } from './runtime-event.ts';
import type { Subtasks } from './subtasks.ts';
import type { TaskChunks } from './task-chunks.ts';
import type { PoolPlace } from './worker-pool.ts';

export interface ExecutionToRun {
  readonly identity: Identity;
  readonly input: UserInput;
  readonly task: TaskPosition;
  /** Null where the task names no agent of ours. */
  readonly agent: AgentDefinition | null;
  readonly refusal: DecisionFacts['refusal'];
  /** Its end goes without what was reached: with it, it could not be journaled before. */
  readonly endsBare: boolean;
  /** Above every claim that stands in the log or was tried. */
  readonly epoch: number;
  readonly trace: TaskTrace;
  /** Ends the run at once: the partition is another's, or the grace time is over. */
  readonly signal: AbortSignal;
  /** Before the end of a task that kills its workers. */
  readonly onPoison: (message: string) => Promise<void>;
  /** The place in the worker's pool: left while there is nothing to do but to wait. */
  readonly place: PoolPlace;
  readonly waits: TaskWaits;
}

export interface RunServices {
  readonly journal: PartitionJournal;
  /** What the journal holds by reference. */
  readonly payloads: Pick<PayloadReader, 'whole'>;
  /** In order of fallback. */
  readonly models: readonly LanguageModel[];
  readonly retriever: Retriever;
  readonly openChunks: (identity: Identity, epoch: number) => TaskChunks;
  /** What people and switches say of an execution while it runs. */
  readonly control: ExecutionControls;
  readonly memory: ExecutionMemory;
  readonly guards: CallGuards;
  /** Of read tools; null: none are kept. */
  readonly results: ResultCache | null;
  readonly subtasks: Subtasks;
  readonly scratch: EphemeralMemory;
  /** All events of the execution that an event of the journal belongs to. Errors: `not-found`, `kafka-unavailable`. */
  readonly readExecution: (place: JournalPlace) => Promise<readonly AgentEvent[]>;
  /** Of whoever sent a task. */
  readonly capabilitiesOf: (principal: string | null) => readonly string[];
  readonly localTenant: string;
  readonly sourceUrls: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly onEvent: OnRuntimeEvent;
}
