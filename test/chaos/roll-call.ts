/**
 * The last look at what Redis held: it is lost once more when all has ended, and then one task goes to each session, which is to be told of
 * all that was said in it, and one to the thrifty agent, whose money of the day must be counted again before it may spend. Where a
 * session is still being read from the journal, another task goes to it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { PlannedTask } from './chaos-plan.ts';
import type { Patience } from './patience.ts';
import { endedTasks, toldSessions } from './read-history.ts';
import type { SubmitPlanned } from './submit-planned.ts';

const LOOK_MS = 500;
/** One is enough where a partition is read within a second. */
const MOST_ROUNDS = 30;

export const rollCall = async (of: {
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly seed: number;
  readonly sessions: readonly string[];
  readonly submit: SubmitPlanned;
  readonly patience: Patience;
}): Promise<void> => {
  const { kafka, codec, seed, submit, patience } = of;
  const sent = new Set<string>();
  const send = async (agent: PlannedTask['agent'], sessionId: string | null): Promise<void> => {
    const taskId = `roll-call-${seed}-${sent.size}`;
    sent.add(taskId);
    await submit(
      {
        ...{ taskId, agent, sessionId, atMs: 0, via: 'kafka', againAfterMs: null, rollCall: true },
        ...{ deeds: [], modelMs: 0, deedMs: 0, maxUsd: null },
      },
      () => !patience.lasts(),
    );
  };
  const untilEnded = async (taskIds: readonly string[]): Promise<void> => {
    while (patience.lasts()) {
      const ended = await endedTasks(kafka, codec).catch(() => undefined);
      patience.saw(ended?.size ?? 0);
      if (ended && taskIds.every((taskId) => ended.has(taskId))) return;
      await sleep(LOOK_MS);
    }
  };

  await send('thrifty', null);
  let left = of.sessions;
  for (let round = 1; round <= MOST_ROUNDS && left.length > 0 && patience.lasts(); round += 1) {
    for (const sessionId of left) await send('chaos', sessionId);
    await untilEnded([...sent]);
    const told = await toldSessions(kafka, codec, sent).catch(() => new Set<string>());
    left = left.filter((sessionId) => !told.has(sessionId));
  }
  await untilEnded([...sent]);
};
