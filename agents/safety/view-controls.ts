/** What the view of freshet.control says of a worker's executions: of each its own cancellation, kill and approvals. Pure but for timers. */
import { LONGEST_TIMER_MS } from '../../schemas/clock.ts';
import { type ControlSignal, executionOfSignal } from '../../schemas/control-signals.ts';
import type { ControlView } from '../../schemas/control-view.ts';
import type { ExecutionControl, ExecutionControls } from '../runtime/execution-controls.ts';
import { createExecutionListeners } from './execution-listeners.ts';

export interface ViewControls extends ExecutionControls {
  /** To be called once the view shows the signal. */
  tell(signal: ControlSignal): void;
}

type Viewed = Pick<ControlView, 'signalsOf' | 'killOf' | 'approvalOf'>;

const because = ({ by, reason }: Pick<ControlSignal, 'by' | 'reason'>): string =>
  `by ${by}${reason === null ? '' : `: ${reason}`}`;

/** `localTenant`: whose an execution without a tenant is. */
export const createViewControls = (view: Viewed, localTenant: string): ViewControls => {
  const listeners = createExecutionListeners();
  return {
    tell: (signal) => listeners.tell(executionOfSignal(signal)),
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
      const close = listeners.add(executionId, look);
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
        changed: (withinMs, signal) =>
          new Promise((resolve) => {
            if (signal.aborted) return resolve();
            const done = (): void => {
              clearTimeout(timer);
              signal.removeEventListener('abort', done);
              forget();
              resolve();
            };
            const forget = listeners.add(executionId, done);
            signal.addEventListener('abort', done);
            const timer = setTimeout(done, Math.min(withinMs, LONGEST_TIMER_MS));
          }),
        close,
      };
    },
  };
};
