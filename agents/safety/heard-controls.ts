/** What people say on freshet.control, as a worker's executions hear it: each its own cancellation, kill and approvals. */

import { EventEmitter, once } from 'node:events';
import { LONGEST_TIMER_MS } from '../../schemas/clock.ts';
import type { ControlSignal } from '../../schemas/control-signals.ts';
import { withSignals } from '../../schemas/linked-signal.ts';
import type { ExecutionControl, ExecutionControls } from '../runtime/execution-controls.ts';
import { type FollowControlSettings, type FollowedControl, followControl } from './follow-control.ts';

export interface HeardControls extends ExecutionControls {
  readonly view: FollowedControl['view'];
  close(): Promise<void>;
}

export interface HeardControlsSettings extends Pick<FollowControlSettings, 'kafka' | 'codec' | 'onTrouble'> {
  /** Whose an execution without a tenant is. */
  readonly localTenant: string;
}

const CHANGE = 'change';
const because = ({ by, reason }: Pick<ControlSignal, 'by' | 'reason'>): string =>
  `by ${by}${reason === null ? '' : `: ${reason}`}`;

/** Resolves when every signal that stands is known. Errors: `kafka-unavailable`. */
export const openHeardControls = async (settings: HeardControlsSettings): Promise<HeardControls> => {
  const { kafka, codec, onTrouble, localTenant } = settings;
  const changes = new EventEmitter().setMaxListeners(0);
  const followed = await followControl({ kafka, codec, onTrouble, onSignal: () => changes.emit(CHANGE) });
  const { view } = followed;

  return {
    view,
    close: followed.close,
    isCancelled: (executionId) => view.signalsOf(executionId).cancel !== null,
    open: ({ executionId, agent, tenant }) => {
      const stopped = new AbortController();
      const heard: ExecutionControl['stop'] = () => {
        const { cancel } = view.signalsOf(executionId);
        if (cancel) return { code: 'cancelled', message: `cancelled ${because(cancel)}` };
        const kill = view.killOf(agent, tenant ?? localTenant);
        return kill ? { code: 'killed', message: `${agent} was stopped ${because(kill)}` } : null;
      };
      let said: ReturnType<ExecutionControl['stop']> = null;
      // What it was under way with is aborted by then: a switch that is turned back a moment later does not make it go on.
      const stop: ExecutionControl['stop'] = () => {
        said ??= heard();
        return said;
      };
      const look = (): void => {
        if (stop() !== null) stopped.abort();
      };
      changes.on(CHANGE, look);
      look();
      return {
        stop,
        stopped: stopped.signal,
        approval: (step, argumentsHash, deadlineAt) => {
          const decision = view.approvalOf({ executionId, step, argumentsHash });
          // What was decided after the deadline is void.
          if (!decision || decision.at > deadlineAt) return null;
          const { by, reason } = decision;
          return { approved: decision.decision === 'approve', by, reason };
        },
        changed: (withinMs, signal) => {
          const time = AbortSignal.timeout(Math.ceil(Math.max(0, Math.min(withinMs, LONGEST_TIMER_MS))));
          return withSignals([signal, time], (over) =>
            once(changes, CHANGE, { signal: over }).then(
              () => undefined,
              () => undefined,
            ),
          );
        },
        close: () => void changes.off(CHANGE, look),
      };
    },
  };
};
