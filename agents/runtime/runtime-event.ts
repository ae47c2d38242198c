/**
 * What the runtime tells about itself, one typed event per thing that happened: metrics and logs are made of these at
 * the edge. Names and kinds are bounded, so they can be labels; ids never are.
 */
import type { DeadLetterReason } from '../../schemas/dead-letters.ts';
import type { EndCode, Outcome } from '../../schemas/execution-payloads.ts';
import type { Performed } from './decision.ts';

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
    }
  | {
      readonly name: 'step-ended';
      readonly agent: string;
      readonly kind: Performed['kind'];
      /** Tool, model, or `retrieve`; `unknown` for a tool that is not declared. */
      readonly of: string;
      readonly outcome: 'succeeded' | 'failed';
      readonly durationMicros: number;
      /** Journal and decision, without the time of the model, tool or retrieval. */
      readonly overheadMicros: number;
      readonly inputTokens: number;
      readonly outputTokens: number;
      readonly costUsd: string;
    }
  | {
      readonly name: 'execution-ended';
      readonly agent: string;
      readonly outcome: Outcome;
      readonly code: EndCode | null;
      readonly steps: number;
      /** From the task's creation. */
      readonly durationMicros: number;
      /** Of writing the response. */
      readonly overheadMicros: number;
    }
  /** Left to whoever holds it, or to be taken up again. */
  | {
      readonly name: 'execution-left';
      readonly agent: string;
      readonly reason: 'superseded' | 'append-failed' | 'stopped' | 'error';
    }
  | { readonly name: 'task-dead-lettered'; readonly reason: DeadLetterReason };

export type OnRuntimeEvent = (event: RuntimeEvent) => void;
