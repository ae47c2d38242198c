/**
 * What the runtime tells about itself, one typed event per thing that happened: metrics, logs and spans are made of these at
 * the edge. Names, kinds and codes are bounded, so they can be labels; what stands under `run` are ids, for spans and logs, and never is one.
 */
import type { DeadLetterReason } from '../../schemas/dead-letters.ts';
import type { EndCode, Outcome } from '../../schemas/execution-payloads.ts';
import type { TaskPosition } from '../../schemas/records.ts';
import type { TaskTrace } from '../../schemas/task-trace.ts';
import type { Performed } from './decision.ts';
import type { Identity } from './execution-journal.ts';

/** Whose event it is. */
export interface RunOfEvent {
  readonly identity: Identity;
  readonly epoch: number;
  readonly trace: TaskTrace;
}

/** What a step leaves to be seen beside its outcome: counts and names, never what was asked or answered. */
export type StepSeen =
  | {
      readonly of: 'model';
      /** The kind of the model; null for one in this process. */
      readonly provider: string | null;
      readonly maxOutputTokens: number;
      readonly cachedInputTokens: number;
      /** Null: it did not answer. */
      readonly finishReason: string | null;
    }
  /** `via`: tool, cache or what stood in for it. */
  | { readonly of: 'tool'; readonly callId: string; readonly via: string; readonly attempts: number }
  | { readonly of: 'delegate'; readonly callId: string; readonly subtaskId: string; readonly agent: string }
  | {
      readonly of: 'retrieval';
      readonly topK: number;
      readonly chunks: number;
      /** Null: unknown. */
      readonly stalenessMs: number | null;
      readonly fresh: boolean | null;
    };

export interface StepEnded {
  readonly name: 'step-ended';
  readonly agent: string;
  readonly kind: Performed['kind'];
  /** Tool, model, or `retrieve`; `unknown` for a tool that is not declared. */
  readonly of: string;
  readonly outcome: 'succeeded' | 'failed';
  /** Of a closed list; null for a success. */
  readonly failure: string | null;
  readonly durationMicros: number;
  /** Journal and decision, without the time of the model, tool or retrieval. */
  readonly overheadMicros: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: string;
  readonly run: RunOfEvent;
  readonly step: number;
  /** When it was decided, microseconds since the Unix epoch. */
  readonly at: number;
  readonly seen: StepSeen | null;
}

export interface ExecutionEnded {
  readonly name: 'execution-ended';
  readonly agent: string;
  readonly outcome: Outcome;
  readonly code: EndCode | null;
  readonly steps: number;
  /** From the task's creation. */
  readonly durationMicros: number;
  /** Of writing the response. */
  readonly overheadMicros: number;
  readonly run: RunOfEvent;
  /** In freshet.tasks. */
  readonly task: TaskPosition;
  /** Microseconds since the Unix epoch: of the first claim, whoever held it, and of the end. */
  readonly startedAt: number;
  readonly endedAt: number;
}

export type RuntimeEvent =
  | {
      readonly name: 'execution-started';
      readonly agent: string;
      /** Another worker, or this one before a failure, began it. */
      readonly takenOver: boolean;
      /** From the task's creation. */
      readonly waitedMicros: number;
      /** Until the claim held. */
      readonly overheadMicros: number;
      readonly run: RunOfEvent;
    }
  | StepEnded
  | ExecutionEnded
  /** Left to whoever holds it, or to be taken up again. */
  | {
      readonly name: 'execution-left';
      readonly agent: string;
      readonly reason: 'superseded' | 'append-failed' | 'stopped' | 'error';
    }
  | { readonly name: 'task-dead-lettered'; readonly reason: DeadLetterReason };

export type OnRuntimeEvent = (event: RuntimeEvent) => void;
