/** Workers cancel sub-tasks that nobody waits for any more: their words go from freshet.control though no person says anything. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { followControl } from '../../agents/safety/follow-control.ts';
import { systemClock } from '../../schemas/clock.ts';
import { signalRecord } from '../../schemas/control-signals.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { until } from '../support/until.ts';
import { openKafkaAndCodec, startGatewayUnderTest } from './gateway-under-test.ts';

const DAY = 24 * 3_600 * 1_000_000;
/** More than go at once. */
const OLD = 1_100;

test('cancellations of tasks that are kept no more are removed, those of others stand', async () => {
  const under = await startGatewayUnderTest({ sweepEveryMs: 50 });
  const { kafka, codec } = await openKafkaAndCodec();
  const cancel = (at: number) => {
    const taskId = `task-${randomUUID()}`;
    const asked = { by: 'agent support', reason: 'its parent ended', at };
    const executionId = executionIdOf(taskId);
    const { key, control } = signalRecord({ ...asked, kind: 'cancel', taskId, executionId }, 'id');
    const record = { topic: TOPICS.control.name, key, value: codec.encode('Control', control) };
    return { taskId, record };
  };
  const now = systemClock();
  const old = Array.from({ length: OLD }, () => cancel(now - 9 * DAY));
  const fresh = [cancel(now - 6 * DAY), cancel(now)];
  await under.put(...[...old, ...fresh].map(({ record }) => record));
  const followed = await followControl({ kafka, codec, onSignal: () => {}, onTrouble: () => {} });
  const standing = (given: typeof old) =>
    given.filter(({ taskId }) => followed.view.signalsOf(executionIdOf(taskId)).cancel !== null).length;
  await until('they are gone', () => standing(old) === 0);
  expect(standing(fresh)).toBe(fresh.length);
  expect(under.events.filter(({ type }) => type === 'sweep-trouble')).toEqual([]);
  await followed.close();
  await under.close();
  await kafka.close();
});
