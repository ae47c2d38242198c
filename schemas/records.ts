// Generated from avro/*.avsc by generate-records.ts; do not edit. test/schemas/records.test.ts holds them together.

export interface StepError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
}

/** Where a record stands in Kafka. */
export interface TaskPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** An input or output that stands in freshet.payloads. */
export interface PayloadReference {
  /** sha256 of the text in UTF-8, hexadecimal */
  readonly hash: string;
  readonly bytes: number;
  /** of its first part */
  readonly at: TaskPosition;
  /** of its last part; others' records may stand between */
  readonly lastOffset: number;
  readonly parts: number;
  /** JSON, cut short for people */
  readonly glance: string;
}

/** One event of the journal; an execution is the fold of its events. Key: the task id. Topic: freshet.agent-events, partition of the task. */
export interface AgentEvent {
  readonly executionId: string;
  readonly taskId: string;
  /** of the claim under which it was written */
  readonly epoch: number;
  /** within (executionId, epoch), from 0 */
  readonly sequence: number;
  readonly type:
    | 'user-input'
    | 'request'
    | 'claim'
    | 'intent'
    | 'llm-response'
    | 'tool-call'
    | 'memory-update'
    | 'response'
    | 'error'
    | 'checkpoint';
  /** 0 before the first step */
  readonly step: number;
  /** microseconds since the Unix epoch */
  readonly at: number;
  readonly agent: string;
  /** version of the agent definition */
  readonly behaviour: string;
  readonly worker: string;
  readonly tenant: null | string;
  readonly sessionId: null | string;
  /** tool name or model id */
  readonly name: null | string;
  /** JSON */
  readonly input: null | string;
  /** JSON */
  readonly output: null | string;
  /** sha256 of the canonical JSON of what was decided: kind, name and input */
  readonly inputHash: null | string;
  readonly error: null | StepError;
  readonly usage: null | Usage;
  /** upper bound reserved by an intent, exact decimal */
  readonly reservedUsd: null | string;
  /** settled cost, exact decimal */
  readonly costUsd: null | string;
  readonly priceTable: null | string;
  /** executionId:step */
  readonly idempotencyKey: null | string;
  readonly stateHashBefore: null | string;
  readonly stateHashAfter: null | string;
  readonly durationMicros: number;
  /** on user-input: where the task stands */
  readonly task: null | TaskPosition;
  /** where a tool's answer came from, where it is not the tool's own of now: cache, stale-cache, stated, fallback:<tool> */
  readonly via: null | string;
  /** calls made for it */
  readonly attempts: number;
  /** what the model is told of where an answer came from */
  readonly note: null | string;
  /** on a tool-call: other tools that were called in its place, each once, whether they answered or not; null where none was, and in records of before */
  readonly standIns: null | readonly string[];
  /** where the input stands, if it is too large for the event; input is then null */
  readonly inputPayload: null | PayloadReference;
  /** the same of the output */
  readonly outputPayload: null | PayloadReference;
}

/** A promise about freshness that is not kept, a behaviour that was rolled back, or agents that are in trouble, as it fires and as it ends. Key: source/kind. Topic: freshet.alerts, compacted. */
export interface Alert {
  /** of others than sources: behaviour:<agent>, agent:<agent>, tenant:<tenant>, model:<model>, tool:<tool> */
  readonly source: string;
  /** burn-…: the error budget is spent too fast over that span and a short one; rolled-back: a candidate did worse, and gets no more tasks; failing, looping: too many of an agent's executions; budget-low: of an agent or tenant, for the day; breaker-open: of a model or tool; the others are of what no commit tells */
  readonly kind:
    | 'burn-1h'
    | 'burn-6h'
    | 'burn-1d'
    | 'burn-3d'
    | 'stale'
    | 'unknown'
    | 'probes-missed'
    | 'rolled-back'
    | 'failing'
    | 'looping'
    | 'budget-low'
    | 'breaker-open';
  /** page: somebody is needed now; ticket: in the next days */
  readonly severity: 'page' | 'ticket';
  readonly state: 'firing' | 'ended';
  /** when it began to fire; microseconds since the Unix epoch */
  readonly since: number;
  /** when this was written */
  readonly at: number;
  /** what was measured: a burn rate, milliseconds, probes, a share, or the candidate's figure */
  readonly value: number;
  /** what it must not pass */
  readonly threshold: number;
  /** one sentence for people */
  readonly summary: string;
  /** where most of the median change's time goes */
  readonly slowestStage: null | string;
}

/** Who changed what, and why. Key: action. Topic: freshet.audit. */
export interface Audit {
  /** microseconds since the Unix epoch */
  readonly at: number;
  /** the principal */
  readonly by: string;
  /** noun and verb, such as quarantine release */
  readonly action: string;
  /** ids of what it was done to, at most 1,000 */
  readonly targets: readonly string[];
  /** of all targets */
  readonly count: number;
  readonly reason: null | string;
  /** whose it is that was changed; null: no one tenant's */
  readonly tenant: null | string;
}

/** What an operator asked for; the newest of a key holds. Key: kind:name. Topic: freshet.control, compacted. */
export interface Control {
  /** what it is about */
  readonly kind: 'source' | 'release' | 'embedding' | 'task' | 'agent' | 'tenant' | 'budget' | 'behaviour';
  /** a source, a document, an execution, an agent: within its kind */
  readonly name: string;
  /** source: pause, resume, snapshot; release: release, redrive, drop; embedding: reembed, cutover, revert, finish, abandon, with the state after it as values and from, the id of the command it goes on from: of two from the same the first in the log holds; task: cancel, approve, deny; agent, tenant: kill, revive; budget: set; behaviour: deploy, promote, rollback */
  readonly action: string;
  /** of this command: one carried out already is not carried out again */
  readonly id: string;
  /** what the action needs, such as tables */
  readonly values: Readonly<Record<string, string>>;
  /** the principal */
  readonly by: string;
  readonly reason: null | string;
  /** microseconds since the Unix epoch */
  readonly at: number;
}

/** What one step cost. Key: costId. Topic: freshet.costs. */
export interface Cost {
  /** executionId:epoch:step: writing it twice changes nothing */
  readonly costId: string;
  readonly taskId: string;
  readonly executionId: string;
  readonly agent: string;
  readonly tenant: null | string;
  readonly feature: null | string;
  /** whose call it was; null of a model's */
  readonly tool: null | string;
  /** empty where a tool's call was paid */
  readonly model: string;
  readonly step: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  /** exact decimal */
  readonly usd: string;
  /** the price it was counted by; empty of a tool */
  readonly priceTable: string;
  /** false: the reservation of a call whose outcome was lost */
  readonly settled: boolean;
  readonly kind: 'model' | 'tool' | 'embedding';
  /** failed: the call ended in an error; lost: its outcome never came, so it counts at its reservation */
  readonly outcome: 'done' | 'failed' | 'lost';
  /** microseconds since the Unix epoch */
  readonly at: number;
}

/** Where a record stands in Kafka. */
export interface DeadLetterOrigin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A record that could not be processed. Key: topic:partition:offset. Topic: freshet.dead-letters. */
export interface DeadLetter {
  readonly origin: DeadLetterOrigin;
  readonly stage: 'receiving' | 'processing' | 'sending';
  /** of the closed list DEAD_LETTER_REASONS */
  readonly reason: string;
  /** for people; without the record's content */
  readonly message: string;
  readonly key: null | Buffer;
  /** as received; null where it was larger than 256 KiB or absent: read it at origin */
  readonly value: null | Buffer;
  readonly valueBytes: number;
  readonly headers: Readonly<Record<string, Buffer>>;
  /** microseconds since the Unix epoch */
  readonly at: number;
}

export interface Chunk {
  /** sha256 of what was embedded: title and slice, first 32 hexadecimal digits */
  readonly hash: string;
  /** first UTF-16 code unit of the slice in text */
  readonly start: number;
  /** one past the last */
  readonly end: number;
  /** float32, little endian */
  readonly vector: Buffer;
}

/** When the change passed each stage, microseconds since the Unix epoch; 0 is unknown. */
export interface DocumentTiming {
  /** in the source */
  readonly committedAt: number;
  /** by Debezium */
  readonly capturedAt: number;
  /** appended to the cdc topic */
  readonly inKafkaAt: number;
  readonly gatedAt: number;
  readonly embeddedAt: number;
  /** what the times are of: commit, a change as its source committed it; snapshot, a row as one read it, which may be years old; none, nothing that the source did then (a repair, a change taken through again, a floor) */
  readonly basis: 'commit' | 'snapshot' | 'none';
}

/** Where a record stands in Kafka. */
export interface ChangePosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Of a refused marker whose table keeps what was good before: content and chunks of that are in this record and stay searchable. */
export interface StaleSince {
  /** of the change that the content was made from */
  readonly version: string;
  /** commit of the first change refused after it, microseconds since the Unix epoch */
  readonly since: number;
  /** of the change that the content was made from */
  readonly committedAt: number;
}

/** One whole document with all its chunks, or a marker (deleted, refused, floor). A refused marker may hold what was good before, see `stale`. Key: the document id, or for a floor its own id. Topic: freshet.documents. */
export interface Document {
  /** document: searchable; deleted and refused: markers without chunks; floor: every document of the table below this version is deleted */
  readonly kind: 'document' | 'deleted' | 'refused' | 'floor';
  /** injective in (source, table, primary key); for a floor the id of the floor */
  readonly documentId: string;
  readonly source: string;
  /** schema-qualified, e.g. public.articles */
  readonly table: string;
  /** epoch and source position as fixed-width hexadecimal: text order is version order (rule V) */
  readonly version: string;
  /** null on markers whose change carried none */
  readonly tenant: null | string;
  readonly title: string;
  /** the whole text; chunks are slices of it */
  readonly text: string;
  /** filterable by equality */
  readonly metadata: Readonly<Record<string, string>>;
  /** id of the embedding model of the vectors; empty on markers */
  readonly model: string;
  readonly chunks: readonly Chunk[];
  /** of a refused marker: gate and reason */
  readonly reason: null | string;
  readonly timing: DocumentTiming;
  /** the change this record was made from */
  readonly change: ChangePosition;
  /** `gate: reason` of what a gate saw and let pass */
  readonly flags: readonly string[];
  readonly stale: null | StaleSince;
  /** 8 bytes of the text's hash and 8 bytes of its SimHash, where the table looks for duplicates */
  readonly fingerprint: null | Buffer;
  /** columns that the change left out as it left them alone (TOAST), and the version that sent what is made of them here. A change between the two that comes late shows that something else stood there. */
  readonly carried: Readonly<Record<string, string>>;
}

/** What somebody thought of an answer; of one person about one task the newest holds. Key: the task id. Topic: freshet.feedback. */
export interface Feedback {
  readonly taskId: string;
  readonly executionId: string;
  readonly agent: string;
  /** version of the agent definition that answered */
  readonly behaviour: string;
  readonly tenant: null | string;
  /** 0: useless, 1: right */
  readonly score: number;
  readonly comment: null | string;
  /** the principal */
  readonly by: string;
  /** microseconds since the Unix epoch */
  readonly at: number;
}

/** A stretch of the journal that wrote it: an execution's end, or the ends of the turns of a summary. */
export interface MemoryPlace {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  /** the last offset, itself included */
  readonly to: number;
}

/** One long-term memory of an agent, as it was last written, or a cut: turns of a session that are not to come back. Key: the memory id. Topic: cdc.memory, compacted, partition of (tenant, agent). */
export interface Memory {
  /** deterministic: whoever writes it again writes the same */
  readonly memoryId: string;
  /** cut: no memory, but the turns of its places are moved, forgotten or undone, and no rebuild brings them back */
  readonly kind: 'summary' | 'behaviour' | 'fact' | 'cut';
  /** pruned: by age, count or a merge, it may be learned again; forgotten: by a person, for good */
  readonly state: 'kept' | 'pruned' | 'forgotten';
  readonly tenant: string;
  readonly agent: string;
  readonly sessionId: null | string;
  /** embedded before the text */
  readonly title: string;
  /** empty unless kept */
  readonly text: string;
  /** the least trusted of what it was made from: data wherever it goes */
  readonly origin: 'user' | 'tool' | 'retrieved' | 'model';
  /** executions that it was learned from, merged ones too */
  readonly uses: number;
  /** microseconds since the Unix epoch */
  readonly createdAt: number;
  /** when it was last learned, or ended: its version; microseconds since the Unix epoch */
  readonly at: number;
  /** microseconds since the Unix epoch */
  readonly expiresAt: number;
  /** the last execution that wrote it */
  readonly executionId: null | string;
  readonly places: readonly MemoryPlace[];
  /** why it ended, or how it was made */
  readonly reason: null | string;
}

/** One part of an input or output that is too large for its journal event. Key: the hash. Topic: freshet.payloads, partition of the event. */
export interface Payload {
  /** sha256 of the whole text in UTF-8, hexadecimal */
  readonly hash: string;
  /** of the whole */
  readonly bytes: number;
  /** from 0 */
  readonly part: number;
  readonly parts: number;
  /** that wrote it first */
  readonly executionId: string;
  readonly tenant: null | string;
  readonly content: Buffer;
}

/** Where a record stands in Kafka. */
export interface QuarantinedChange {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What a gate saw, with secrets and personal data taken out. */
export interface Finding {
  /** title, text, tenant or metadata.<name> */
  readonly field: string;
  /** first UTF-16 code unit of the span in the field */
  readonly start: number;
  /** one past the last */
  readonly end: number;
  /** the span with some text around it */
  readonly excerpt: string;
  /** where the span begins in the excerpt */
  readonly excerptStart: number;
  readonly excerptEnd: number;
}

/** A document that a gate refused, or what became of it since. Key: the document id. Topic: freshet.quarantine. */
export interface Quarantined {
  readonly documentId: string;
  readonly source: string;
  readonly table: string;
  readonly tenant: null | string;
  readonly version: string;
  readonly gate: string;
  /** of the gate's closed list */
  readonly reason: string;
  /** what was seen, without the text */
  readonly detail: string;
  readonly change: QuarantinedChange;
  /** microseconds since the Unix epoch */
  readonly at: number;
  /** refused: it stands in quarantine; the others end that */
  readonly outcome: 'refused' | 'passed' | 'deleted' | 'dropped';
  /** of what the mapping made: what a release is bound to; empty where the mapping failed */
  readonly contentHash: string;
  readonly finding: null | Finding;
  /** of the good document that stays searchable, marked stale */
  readonly keptVersion: null | string;
  /** of freshet.documents; -1 is unknown */
  readonly partition: number;
}

export interface ResultError {
  readonly code: string;
  readonly message: string;
}

/** The one terminal result of a task. Key: the task id. Topic: freshet.results, compacted. */
export interface Result {
  readonly taskId: string;
  readonly executionId: string;
  readonly agent: string;
  readonly behaviour: string;
  readonly tenant: null | string;
  readonly sessionId: null | string;
  readonly outcome: 'completed' | 'failed' | 'halted';
  /** JSON */
  readonly output: null | string;
  readonly error: null | ResultError;
  /** JSON: what was reached before a failure or halt */
  readonly partial: null | string;
  /** JSON: watermarks, staleness, and per cited chunk its version and age */
  readonly receipt: string;
  /** exact decimal */
  readonly costUsd: string;
  readonly steps: number;
  /** microseconds since the Unix epoch */
  readonly createdAt: number;
  readonly startedAt: number;
  readonly completedAt: number;
}

export interface SourceTableState {
  /** schema-qualified */
  readonly table: string;
  /** paused: its changes are skipped, and its watermark alone stands still */
  readonly state: 'live' | 'snapshotting' | 'paused';
  readonly reason: null | string;
  /** microseconds since the Unix epoch */
  readonly since: number;
  /** id of the incremental snapshot that is under way */
  readonly signal: null | string;
  /** types of the columns that its mapping reads, as accepted */
  readonly columns: Readonly<Record<string, string>>;
  /** tells the table from another of its name; empty until it is known */
  readonly identity: string;
  /** how often it was paused or taken again; the marks in the change topic carry it, and what was asked for before the last one counts for nothing */
  readonly turn: number;
  /** tells the mapping that its rows are read by from another; empty until it is known */
  readonly mapping: string;
}

/** How a source is, as its watch last saw it. Key: the source. Topic: freshet.source-states, compacted. */
export interface SourceState {
  readonly source: string;
  /** raised when a slot, a topic or the source is made anew (rule V) */
  readonly epoch: number;
  /** failed: the connector's task does not run; lost: changes were lost, a new epoch is on its way; unknown: Connect or the database does not answer. Freshness is known while streaming alone. */
  readonly state: 'snapshotting' | 'streaming' | 'paused' | 'failed' | 'lost' | 'unknown';
  /** why it is not streaming, in one sentence */
  readonly reason: null | string;
  /** of the database and the place in it that is read from: another text means another epoch. Empty: not seen yet */
  readonly identity: string;
  readonly tables: readonly SourceTableState[];
  /** log that the source keeps for this reader; null where it cannot be asked */
  readonly retainedWalBytes: null | number;
  /** microseconds since the Unix epoch */
  readonly updatedAt: number;
  /** running, waiting, paused, failed, missing or unreachable */
  readonly connector: string;
  /** of its task in a row */
  readonly restarts: number;
  /** version of the last floor that followed a snapshot: what is older is gone */
  readonly swept: null | string;
  /** ends of the change topic, by partition, when the epoch began: everything of it stands behind them */
  readonly epochFrom: readonly number[];
  /** ends of the change topic, by partition, as last seen: a topic that ends before them was made anew */
  readonly changeEnds: readonly number[];
  /** next offset of freshet.control: what stands before it was carried out */
  readonly handled: number;
}

/** Text and tool-call chunks of a running task, for its event stream. Key: the task id. Topic: freshet.task-stream. */
export interface TaskChunk {
  readonly taskId: string;
  readonly executionId: string;
  readonly epoch: number;
  readonly step: number;
  /** within the step */
  readonly index: number;
  readonly kind: 'text' | 'tool-call' | 'state';
  readonly text: string;
  readonly tenant: null | string;
  /** microseconds since the Unix epoch */
  readonly at: number;
}

/** The job state of a task. Key: the task id. Topic: freshet.task-states, compacted. */
export interface TaskState {
  readonly taskId: string;
  readonly executionId: string;
  readonly agent: string;
  readonly tenant: null | string;
  readonly state: 'pending' | 'processing' | 'completed' | 'failed';
  /** microseconds since the Unix epoch */
  readonly createdAt: number;
  /** microseconds since the Unix epoch */
  readonly updatedAt: number;
}

export interface Budget {
  /** exact decimal */
  readonly maxUsd: null | string;
  readonly maxSteps: null | number;
}

export interface FreshAfter {
  readonly source: string;
  /** LSN or binlog file:position */
  readonly position: string;
}

export interface TaskFreshness {
  readonly maxStalenessMs: null | number;
  readonly after: null | FreshAfter;
  readonly waitMs: null | number;
}

/** Where an execution begins that goes on from another's recorded state. */
export interface TaskFork {
  /** of freshet.agent-events */
  readonly partition: number;
  /** of any event of the origin */
  readonly offset: number;
  /** the last that is taken over */
  readonly step: number;
  /** undo what the origin did outside after that step, where its tools say how */
  readonly compensate: boolean;
}

/** The execution that waits for a sub-task. */
export interface TaskParent {
  readonly taskId: string;
  readonly executionId: string;
  readonly agent: string;
  /** of the parent's journal */
  readonly partition: number;
  /** of the parent, that handed it over */
  readonly step: number;
  /** 1: the parent is no sub-task itself */
  readonly depth: number;
}

/** A request to an agent. Key: the session id, or the task id, or none. Topic: freshet.tasks. */
export interface Task {
  readonly agent: string;
  /** text, or JSON text where the agent takes an object */
  readonly input: string;
  /** null: task-<partition>-<offset> */
  readonly taskId: null | string;
  readonly tenant: null | string;
  readonly principal: null | string;
  readonly sessionId: null | string;
  /** what the cost is attributed to */
  readonly feature: null | string;
  /** clamped to the agent's own limits */
  readonly budget: null | Budget;
  /** what the index must cover before the agent retrieves */
  readonly freshness: null | TaskFreshness;
  /** the execution that this one is forked from */
  readonly fork: null | TaskFork;
  /** microseconds since the Unix epoch; 0: the time of the record */
  readonly createdAt: number;
  /** 0 to 9: of the tasks that wait in a partition, higher ones begin first */
  readonly priority: number;
  /** microseconds since the Unix epoch: it begins no sooner */
  readonly notBefore: null | number;
  /** microseconds since the Unix epoch: past it, it is halted */
  readonly deadlineAt: null | number;
  readonly parent: null | TaskParent;
}

/** The timing of one change, from commit to searchable. All times microseconds since the Unix epoch. Key: the document id. Topic: freshet.freshness. */
export interface Timing {
  readonly documentId: string;
  readonly source: string;
  readonly table: string;
  readonly version: string;
  readonly kind: 'document' | 'deleted' | 'refused' | 'floor';
  readonly outcome: 'applied' | 'superseded';
  /** name of the index replica that applied it */
  readonly index: string;
  readonly committedAt: number;
  readonly capturedAt: number;
  readonly inKafkaAt: number;
  readonly gatedAt: number;
  readonly embeddedAt: number;
  /** appended to freshet.documents */
  readonly appendedAt: number;
  /** read by the index and decided */
  readonly appliedAt: number;
  readonly searchableAt: number;
  /** the source's clock less ours, as far as it is known to be apart: committedAt is by the source's */
  readonly clockOffsetMicros: number;
  /** of the document: what the times are of */
  readonly basis: 'commit' | 'snapshot' | 'none';
}

/** A table that is paused or read anew: its own watermark stands still. */
export interface HeldTable {
  readonly table: string;
  readonly reason: string;
  readonly position: null | string;
  readonly committedAt: number;
  readonly observedAt: number;
}

/** The last probe row that was looked for in the index, as a user would. */
export interface ProbeResult {
  readonly tick: number;
  /** by the tracker's clock */
  readonly committedAt: number;
  /** 0: not found in time */
  readonly foundAt: number;
}

/** A position of a source and the ends of freshet.documents that stand for it: an index that has passed those ends covers the position. Times are microseconds since the Unix epoch. Key: the source. Topic: freshet.watermarks. */
export interface WatermarkPoint {
  readonly source: string;
  /** positions of different epochs are not compared (rule V) */
  readonly epoch: number;
  /** unknown: nothing is claimed, for the reason given */
  readonly state: 'known' | 'unknown';
  readonly reason: null | string;
  /** as the source writes it: an LSN such as 0/16E3688, or binlog file:position */
  readonly position: null | string;
  /** by the source's clock: what was committed before it is covered; 0 is unknown */
  readonly committedAt: number;
  /** the same moment by the tracker's clock, which ages are measured by; 0 is unknown */
  readonly observedAt: number;
  /** end offset of each partition of freshet.documents */
  readonly documentEnds: readonly number[];
  readonly heldTables: readonly HeldTable[];
  /** the source's clock less the tracker's, estimated from round trips */
  readonly clockOffsetMicros: null | number;
  /** the estimate is off by this at most */
  readonly clockErrorMicros: null | number;
  /** changes that a gate refused, of those still kept */
  readonly quarantined: number;
  /** records that could not be read, of those still kept */
  readonly deadLettered: number;
  readonly probe: null | ProbeResult;
  /** when the tracker wrote it */
  readonly at: number;
}

/** Every record that is the value of a topic, by name. */
export interface Records {
  readonly AgentEvent: AgentEvent;
  readonly Alert: Alert;
  readonly Audit: Audit;
  readonly Control: Control;
  readonly Cost: Cost;
  readonly DeadLetter: DeadLetter;
  readonly Document: Document;
  readonly Feedback: Feedback;
  readonly Memory: Memory;
  readonly Payload: Payload;
  readonly Quarantined: Quarantined;
  readonly Result: Result;
  readonly SourceState: SourceState;
  readonly TaskChunk: TaskChunk;
  readonly TaskState: TaskState;
  readonly Task: Task;
  readonly Timing: Timing;
  readonly WatermarkPoint: WatermarkPoint;
}

export type RecordName = keyof Records;

/** The schema file of each record, in avro/. */
export const SCHEMA_FILES = {
  AgentEvent: 'agent-event.avsc',
  Alert: 'alert.avsc',
  Audit: 'audit.avsc',
  Control: 'control.avsc',
  Cost: 'cost.avsc',
  DeadLetter: 'dead-letter.avsc',
  Document: 'document.avsc',
  Feedback: 'feedback.avsc',
  Memory: 'memory.avsc',
  Payload: 'payload.avsc',
  Quarantined: 'quarantined.avsc',
  Result: 'result.avsc',
  SourceState: 'source-state.avsc',
  TaskChunk: 'task-chunk.avsc',
  TaskState: 'task-state.avsc',
  Task: 'task.avsc',
  Timing: 'timing.avsc',
  WatermarkPoint: 'watermark-point.avsc',
} as const satisfies Record<RecordName, string>;
