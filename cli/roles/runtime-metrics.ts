/** What only the agents' own process knows. Steps, tasks and money are counted by the gateway from the journal, once. */
import type { OnRuntimeEvent } from '../../agents/runtime/runtime-event.ts';
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import { TOPICS } from '../../schemas/topics.ts';

export const countRuntimeEvents =
  (metrics: Metrics): OnRuntimeEvent =>
  (event) => {
    switch (event.name) {
      case 'step-ended':
        metrics.stepOverheadSeconds.observe(event.overheadMicros / 1e6);
        return;
      case 'task-dead-lettered':
        metrics.deadLetters.inc({ topic: TOPICS.tasks.name, reason: event.reason });
        return;
      case 'execution-left':
        metrics.retries.inc({ stage: 'agents' });
        return;
      case 'execution-started':
      case 'execution-ended':
        return;
      default:
        event satisfies never;
    }
  };
