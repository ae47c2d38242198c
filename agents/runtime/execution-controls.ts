/**
 * What people and switches say of an execution while it runs: cancel, kill, approve, deny. It is heard from freshet.control,
 * and counts once it stands in the execution's own journal, so that a replay hears it at the same place (I10).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { LONGEST_TIMER_MS } from '../../schemas/clock.ts';
import type { EndCode } from '../../schemas/execution-payloads.ts';
import type { EventDraft, Identity } from './execution-journal.ts';
import type { ExecutionState } from './execution-state.ts';

export interface Approval {
  readonly approved: boolean;
  readonly by: string;
  readonly reason: string | null;
}

export interface ExecutionControl {
  /** Why it is to stop, if it is. */
  stop(): { readonly code: EndCode; readonly message: string } | null;
  /** What a person said of one call before its deadline: of that step, with exactly those arguments. */
  approval(step: number, argumentsHash: string, deadlineAt: number): Approval | null;
  /** Aborted when `stop` has something to say, so that a call under way ends. */
  readonly stopped: AbortSignal;
  /** Resolves when something new was said, after a time, or with the signal. */
  changed(withinMs: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface ExecutionControls {
  open(of: Pick<Identity, 'executionId' | 'agent' | 'tenant'>): ExecutionControl;
  /** Of one that may not have begun. */
  isCancelled(executionId: string): boolean;
}

const NEVER = new AbortController().signal;

/** Nobody says anything. */
export const SILENT: ExecutionControls = {
  open: () => ({
    stop: () => null,
    approval: () => null,
    stopped: NEVER,
    changed: (withinMs, signal) =>
      sleep(Math.min(withinMs, LONGEST_TIMER_MS), undefined, { signal }).catch(() => undefined),
    close: () => undefined,
  }),
  isCancelled: () => false,
};

/** What was said and is not journaled yet. Pure. */
export const heed = (
  state: ExecutionState,
  control: Pick<ExecutionControl, 'stop' | 'approval'>,
): EventDraft | null => {
  const { phase, step } = state;
  if (phase.kind === 'ended') return null;
  const stop = state.stop ? null : control.stop();
  if (stop) return { type: 'checkpoint', name: 'stop', step, error: { ...stop, retryable: false } };
  if (phase.kind !== 'awaiting-approval') return null;
  const said = control.approval(phase.step, phase.argumentsHash, phase.until);
  if (!said) return null;
  const output = JSON.stringify(said);
  if (said.approved) return { type: 'checkpoint', name: 'approval-given', step, output };
  const message = `${said.by} said no${said.reason ? `: ${said.reason}` : ''}`;
  return {
    type: 'error',
    name: phase.calls[0]?.name ?? null,
    step,
    output,
    error: { code: 'approval-denied', message, retryable: false },
  };
};
