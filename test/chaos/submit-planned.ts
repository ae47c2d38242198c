/** Sends a planned task the way it is to come, the same again and again until it is acknowledged; the history is told when it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { CHAOS_TENANT, inputOf } from './chaos-agent.ts';
import type { PlannedTask } from './chaos-plan.ts';
import type { GatewayClient, Posted } from './gateway-client.ts';
import type { EntryOf } from './history.ts';

export type SubmitPlanned = (task: PlannedTask, givenUp: () => boolean) => Promise<void>;

type Sight = EntryOf<'acknowledged' | 'posted-again' | 'refused'>;
type Unplaced<Of> = Of extends unknown ? Omit<Of, 'atMs'> : never;

const TRY_AGAIN_MS = 300;

export const createSubmitPlanned = (of: {
  readonly writer: RecordWriter;
  readonly gateway: GatewayClient;
  readonly onSight: (sight: Unplaced<Sight>) => void;
}): SubmitPlanned => {
  const { writer, gateway, onSight } = of;

  const asked = ({ taskId, agent, sessionId }: PlannedTask) => ({
    ...{ agent, input: inputOf(taskId), tenant: CHAOS_TENANT },
    ...(sessionId === null ? {} : { sessionId }),
  });
  const acknowledged = ({ taskId, agent, deeds, maxUsd, rollCall }: PlannedTask, as: string): void =>
    onSight({ kind: 'acknowledged', taskId, as, agent, deeds, maxUsd, rollCall });

  const append = async (task: PlannedTask, givenUp: () => boolean): Promise<void> => {
    const { taskId, sessionId, maxUsd } = task;
    const budget = maxUsd === null ? {} : { budget: { maxUsd, maxSteps: null } };
    const value = Buffer.from(JSON.stringify({ taskId, ...asked(task), ...budget }));
    while (!givenUp()) {
      try {
        await writer.append([{ topic: TOPICS.tasks.name, key: sessionId ?? taskId, value }]);
        return acknowledged(task, taskId);
      } catch {
        await sleep(TRY_AGAIN_MS);
      }
    }
  };

  const post = async (task: PlannedTask, givenUp: () => boolean): Promise<void> => {
    const { taskId, againAfterMs, maxUsd } = task;
    const body = { ...asked(task), ...(maxUsd === null ? {} : { budget: { maxUsd } }) };
    const once = async (onAccepted: (as: string) => void): Promise<Posted | null> => {
      const posted = await gateway.post(taskId, body, givenUp);
      if (posted && 'as' in posted) onAccepted(posted.as);
      else if (posted) onSight({ kind: 'refused', taskId, ...posted });
      return posted;
    };
    const first = await once((as) => acknowledged(task, as));
    if (!first || againAfterMs === null) return;
    await sleep(againAfterMs);
    await once((as) => onSight({ kind: 'posted-again', taskId, as }));
  };

  return (task, givenUp) => (task.via === 'gateway' ? post(task, givenUp) : append(task, givenUp));
};
