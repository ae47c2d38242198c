/**
 * Log lines of the runtime's events: one for an execution that begins and one for its end, and, where details are asked for, one for each
 * step. They carry names, counts, times and ids, and nothing of what was asked, retrieved or answered.
 */
import type { Logger } from 'pino';
import type { OnRuntimeEvent, RunOfEvent } from '../../agents/runtime/runtime-event.ts';

const MICROS = 1_000;

const idsOf = ({ identity, epoch, trace }: RunOfEvent) => ({
  executionId: identity.executionId,
  taskId: identity.taskId,
  traceId: trace.traceId,
  agent: identity.agent,
  behaviour: identity.behaviour,
  tenant: identity.tenant,
  epoch,
});

export const logRuntimeEvents =
  (log: Pick<Logger, 'info' | 'debug' | 'isLevelEnabled'>): OnRuntimeEvent =>
  (event) => {
    switch (event.name) {
      case 'execution-started': {
        const { run, takenOver, waitedMicros } = event;
        log.info({ ...idsOf(run), takenOver, waitedMs: waitedMicros / MICROS }, 'execution started');
        return;
      }
      case 'execution-ended': {
        const { run, outcome, code, steps, durationMicros } = event;
        const durationMs = durationMicros / MICROS;
        log.info({ ...idsOf(run), outcome, code, steps, durationMs }, 'execution ended');
        return;
      }
      case 'step-ended': {
        // Thousands a second: nothing is made of them where nobody asks.
        if (!log.isLevelEnabled('debug')) return;
        const { run, step, kind, of, outcome, failure, durationMicros } = event;
        const { inputTokens, outputTokens, costUsd } = event;
        log.debug(
          {
            ...{ ...idsOf(run), step, kind, tool: of, outcome, failure },
            ...{ durationMs: durationMicros / MICROS, inputTokens, outputTokens, costUsd },
          },
          'step ended',
        );
        return;
      }
      // Of an execution that is left, its next holder tells.
      case 'execution-left':
      case 'task-dead-lettered':
        return;
      default:
        event satisfies never;
    }
  };
