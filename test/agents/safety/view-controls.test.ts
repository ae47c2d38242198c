/** Thousands of executions wait beside each other in a worker: what each word costs is counted by who looks at it. */
import { setMaxListeners } from 'node:events';
import { expect, test } from 'vitest';
import { createViewControls } from '../../../agents/safety/view-controls.ts';
import { type ControlSignal, signalRecord } from '../../../schemas/control-signals.ts';
import { createControlView } from '../../../schemas/control-view.ts';

const EXECUTIONS = 1_000;
const asked = { by: 'ada', reason: null, at: 1_000 };
const nameOf = (index: number): string => `execution-${index}`;
const subject = { executionId: nameOf(7), step: 3, argumentsHash: 'a'.repeat(64) };
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Each waits anew whenever it is woken, until it is to stop. */
const waiting = () => {
  const view = createControlView();
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  const looked: string[] = [];
  const woken: string[] = [];
  const controls = createViewControls(
    {
      ...view,
      signalsOf: (executionId) => {
        looked.push(executionId);
        return view.signalsOf(executionId);
      },
    },
    'acme',
  );
  const all = Array.from({ length: EXECUTIONS }, (_, index) => {
    const executionId = nameOf(index);
    const control = controls.open({ executionId, agent: index < 2 ? 'triage' : 'support', tenant: null });
    const wait = async (): Promise<void> => {
      while (!end.signal.aborted && !control.stopped.aborted) {
        await control.changed(60_000, end.signal);
        woken.push(executionId);
      }
      control.close();
    };
    return { control, done: wait() };
  });
  return {
    controls,
    control: (index: number) => all[index]?.control,
    say: async (signal: ControlSignal) => {
      looked.length = 0;
      woken.length = 0;
      view.apply(signalRecord(signal, 'id').control);
      controls.tell(signal);
      await settled();
      return { looked: [...looked], woken: [...woken] };
    },
    close: async () => {
      end.abort();
      await Promise.all(all.map(({ done }) => done));
    },
  };
};

test('what is said of one execution is looked at by that one alone, each time', async () => {
  const { control, say, close } = waiting();
  const approval = { ...asked, kind: 'approval', subject, taskId: 'task-7' } as const;
  const alone = { looked: [nameOf(7)], woken: [nameOf(7)] };
  expect(await say({ ...approval, decision: 'deny' })).toEqual(alone);
  expect(await say({ ...approval, decision: 'approve' })).toEqual(alone);
  expect(control(7)?.approval(3, subject.argumentsHash, 2_000)).toMatchObject({ approved: true, by: 'ada' });
  expect(await say({ ...asked, kind: 'cancel', executionId: nameOf(9), taskId: 'task-9' })).toEqual({
    ...{ looked: [nameOf(9)], woken: [nameOf(9)] },
  });
  expect(control(9)?.stop()).toEqual({ code: 'cancelled', message: 'cancelled by ada' });
  expect([control(7)?.stopped.aborted, control(9)?.stopped.aborted]).toEqual([false, true]);
  await close();
});

test('what may mean anybody is heard by all, once each, though each waits anew at once', async () => {
  const { control, say, close } = waiting();
  const kill = { ...asked, kind: 'kill', agent: 'triage', tenant: null } as const;
  const first = await say(kill);
  expect([first.looked.length, new Set(first.looked).size]).toEqual([EXECUTIONS, EXECUTIONS]);
  expect([first.woken.length, new Set(first.woken).size]).toEqual([EXECUTIONS, EXECUTIONS]);
  expect([0, 1, 2].map((index) => control(index)?.stopped.aborted)).toEqual([true, true, false]);
  // Those that have ended listen no more.
  expect((await say({ ...kill, tenant: 'beta' })).looked).toHaveLength(EXECUTIONS - 2);
  await close();
  expect((await say(kill)).looked).toEqual([]);
});

test('a wait ends with its time and with its signal, and several executions of one name hear each their own', async () => {
  const { controls, close } = waiting();
  const of = { executionId: 'memory', agent: 'support', tenant: 'acme' };
  const [one, other] = [controls.open(of), controls.open(of)];
  await one.changed(1.5, new AbortController().signal);
  await one.changed(60_000, AbortSignal.abort());
  one.close();
  controls.open({ ...of, agent: 'triage' }).close();
  const told = other.changed(60_000, new AbortController().signal);
  controls.tell({ ...asked, kind: 'cancel', executionId: 'memory', taskId: 'memory' });
  await told;
  other.close();
  await close();
});
