/** What people ask of agents, followed through a freshet.control that is deleted and made again (fault 31). */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { followControl } from '../../../agents/safety/follow-control.ts';
import { systemClock } from '../../../schemas/clock.ts';
import { signalRecord } from '../../../schemas/control-signals.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { startTestStack } from '../../support/own-stack.ts';
import { until } from '../../support/until.ts';
import { openAgentsStack } from '../agents-stack.ts';

const TOPIC = TOPICS.control.name;

test('a kill in a topic that was made anew is heard, and one of before does not stand', async () => {
  const servers = await startTestStack({ servers: ['kafka', 'schemaRegistry'] });
  const stack = await openAgentsStack(servers);
  const kill = async (agent: string): Promise<void> => {
    const said = { by: 'ada', reason: 'seen', at: systemClock() };
    const { key, control } = signalRecord({ ...said, kind: 'kill', agent, tenant: null }, randomUUID());
    await stack.writer.append([{ topic: TOPIC, key, value: stack.codec.encode('Control', control) }]);
  };
  for (const agent of ['one', 'two', 'three']) await kill(agent);
  const followed = await followControl({ ...stack, onSignal: () => undefined, onTrouble: () => undefined });
  try {
    expect(followed.view.kills()).toHaveLength(3);
    await stack.kafka.admin.deleteTopics([TOPIC]);
    await until('it is made again', () =>
      stack.kafka.admin.createTopics([TOPICS.control]).then(
        () => stack.kafka.admin.offsets(TOPIC).then(([end]) => end?.latest === 0),
        () => false,
      ),
    );
    await kill('four');
    await until('it is heard', () => followed.view.isKilled('four', 'acme'));
    expect(followed.view.kills()).toHaveLength(1);
  } finally {
    await followed.close();
    await stack.close();
    await servers.stop();
  }
});
