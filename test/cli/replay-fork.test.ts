/** What `freshet replay --from-step` asks for, and says. */
import { afterEach, expect, test } from 'vitest';
import { describeFork, forkExecution } from '../../cli/commands/replay-fork.ts';

const AT = { topic: 'freshet.agent-events', partition: 0, offset: 1 };
const { isTTY } = process.stdin;
afterEach(() => {
  process.stdin.isTTY = isTTY;
});

test('at a terminal a live execution is begun with a yes alone', async () => {
  process.stdin.isTTY = true;
  // Nothing is asked of a gateway or of Kafka before it.
  const nowhere = { root: '/nowhere' } as Parameters<typeof forkExecution>[0];
  const refused = (options: object) => forkExecution(nowhere, AT, { fromStep: '2', ...options });
  await expect(refused({})).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('--yes to begin a live'),
  });
  await expect(refused({ compensate: true })).rejects.toMatchObject({
    message: expect.stringContaining('undo what was done'),
  });
  await expect(refused({ dryRun: true })).rejects.not.toMatchObject({
    message: expect.stringContaining('--yes'),
  });
});

test('a dry run says what would be begun, and which effects would be undone', () => {
  const planned = {
    ...{ taskId: null, executionId: null, origin: 'execution-1:4', compensate: true },
    agent: { name: 'support', version: '3' },
    takenOver: { events: 12, step: 4 },
    effects: [
      { step: 7, tool: 'refund', kind: 'declared', costUsd: '0.02' },
      { step: 6, tool: 'mail', kind: 'undeclared', costUsd: null },
      { step: 5, tool: 'ship', kind: 'unknown', costUsd: null },
    ],
  };
  const said = describeFork(planned);
  expect(said).toMatch(/would begin support 3.*nothing was changed/);
  expect(said).toMatch(/step 7, refund: would be undone first, for \$0.02/);
  expect(said).toMatch(/step 6, mail: .*it stands/);
  expect(said).toMatch(/step 5, ship: .*look/);
  expect(describeFork({ ...planned, compensate: false })).toMatch(/step 7, refund: .*--compensate/);
  const made = describeFork({ ...planned, taskId: 'task-1', executionId: 'execution-2' });
  expect(made).toMatch(/execution-2/);
  expect(made).toMatch(/step 7, refund: is undone first/);
});

test('what a gateway of the release before answers is told as far as it says', () => {
  const said = describeFork({
    ...{ taskId: 'task-1', executionId: 'execution-2', origin: 'execution-1:4', compensate: true },
    takenOver: { events: 12, step: 4 },
    effects: [{ step: 7, tool: 'refund', kind: 'declared' }],
  });
  expect(said).toMatch(/begins +a live execution after step 4/);
  expect(said).toMatch(/step 7, refund: is undone first$/m);
});
