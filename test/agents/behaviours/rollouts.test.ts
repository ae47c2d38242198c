import { expect, test } from 'vitest';
import { bindBehaviours } from '../../../agents/behaviours/bind-behaviour.ts';
import { deployed, isLeftBehind, promoted, rolledBack } from '../../../agents/behaviours/rollout-state.ts';
import { placeOf, versionFor } from '../../../agents/behaviours/route-task.ts';
import type { AgentDefinition } from '../../../schemas/agent-definition.ts';
import type { Rollout } from '../../../schemas/rollout.ts';

const ROLLOUT: Rollout = {
  ...{ agent: 'support', began: 1_700_000_000_000_000, stable: '1', candidate: '2' },
  ...{ share: 0.25, state: 'canary' },
};
const asked = { agent: 'support', running: '1', candidate: '2', share: 0.05, now: 7 };
const task = (at: number, sessionId: string | null = null) => ({
  ...{ agent: 'support', taskId: `task-${at}`, tenant: 'acme', sessionId },
});
const TASKS = Array.from({ length: 4_000 }, (_, at) => task(at));
const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

test('the candidate gets its share, a larger share takes more to it and none back, and the next rollout draws anew', () => {
  const of = (share: number, began = ROLLOUT.began) =>
    new Set(TASKS.filter((each) => versionFor({ ...ROLLOUT, share, began }, '1', each) === '2'));
  const [few, some, all] = [of(0.05), of(0.25), of(1)];
  expect(few.size / TASKS.length).toBeCloseTo(0.05, 2);
  expect(some.size / TASKS.length).toBeCloseTo(0.25, 1.5);
  expect([...few].every((each) => some.has(each))).toBe(true);
  expect([all.size, of(0).size]).toEqual([TASKS.length, 0]);
  const next = of(0.25, ROLLOUT.began + 1);
  expect([...some].filter((each) => next.has(each)).length / some.size).toBeCloseTo(0.25, 1);
});

test('a session stays with one version, whatever its tasks, and another tenant’s of that name is another one', () => {
  expect(new Set([1, 2, 3].map((at) => placeOf(ROLLOUT.began, task(at, 'session-1')))).size).toBe(1);
  expect(placeOf(ROLLOUT.began, { ...task(1, 'session-1'), tenant: 'beta' })).not.toBe(
    placeOf(ROLLOUT.began, task(1, 'session-1')),
  );
});

test('a rollout holds only where the configuration runs what it tries to replace', () => {
  const all = { ...ROLLOUT, share: 1 };
  expect(versionFor(all, '1', task(1))).toBe('2');
  expect(versionFor(all, '2', task(1))).toBe('2');
  expect(versionFor(all, '3', task(1))).toBe('3');
  expect(versionFor(undefined, '1', task(1))).toBe('1');
});

test('a share is raised within one rollout; another candidate, or one that was rolled back, begins the next', () => {
  const first = deployed(undefined, asked);
  expect(first).toEqual({ ...ROLLOUT, began: 7, share: 0.05 });
  expect(deployed(first, { ...asked, share: 0.25, now: 9 })).toEqual({ ...first, share: 0.25 });
  expect(deployed(first, { ...asked, candidate: '3', now: 9 })).toMatchObject({ began: 9, candidate: '3' });
  const back = rolledBack(first, 'support', '1');
  expect(back).toEqual({ ...first, state: 'rolled-back', share: 0 });
  // However late the clock of whoever deploys it again.
  expect(deployed(back, { ...asked, now: 3 })).toMatchObject({ began: 8, state: 'canary' });
  const whole = promoted(first, 'support', '1');
  expect(whole).toEqual({ ...first, state: 'promoted', share: 1 });
  expect(rolledBack(whole, 'support', '1')).toMatchObject({ state: 'rolled-back', share: 0 });
  // The configuration has moved on.
  expect(deployed(whole, { ...asked, running: '2', candidate: '3', now: 9 })).toMatchObject({ stable: '2' });
});

test('a configuration that goes back to the stable version does not find a rollout that it had left behind', () => {
  const whole: Rollout = { ...ROLLOUT, share: 1, state: 'promoted' };
  expect([isLeftBehind(whole, '1'), isLeftBehind(whole, '2'), isLeftBehind(whole, '3')]).toEqual([
    ...[false, true, true],
  ]);
  expect(isLeftBehind(undefined, '1')).toBe(false);
  const ended = rolledBack(whole, 'support', '2');
  expect(ended).toMatchObject({ stable: '1', share: 0 });
  expect(isLeftBehind(ended, '2')).toBe(false);
  expect(versionFor(ended, '1', task(1))).toBe('1');
});

test.each<[string, () => Rollout]>([
  ['the version that runs', () => deployed(undefined, { ...asked, candidate: '1' })],
  ['beside a promoted one', () => deployed({ ...ROLLOUT, state: 'promoted' }, { ...asked, candidate: '3' })],
  ['promote nothing', () => promoted(undefined, 'support', '1')],
  ['promote twice', () => promoted({ ...ROLLOUT, state: 'promoted' }, 'support', '1')],
  ['promote what was rolled back', () => promoted({ ...ROLLOUT, state: 'rolled-back' }, 'support', '1')],
  ['roll back nothing', () => rolledBack(undefined, 'support', '1')],
  ['roll back twice', () => rolledBack({ ...ROLLOUT, state: 'rolled-back' }, 'support', '1')],
  ['promote what the configuration runs', () => promoted(ROLLOUT, 'support', '2')],
  ['roll back what the configuration left', () => rolledBack(ROLLOUT, 'support', '3')],
])('a conflict: %s', (_, act) => {
  expect(codeOf(act)).toBe('conflict');
});

test('an execution goes on under what it was begun under; what is not held is told once, and runs as what runs', () => {
  const agent = (version: string): AgentDefinition => ({ name: 'support', version, instructions: 'Answer.' });
  let rollout: Rollout | undefined = { ...ROLLOUT, share: 1 };
  const told: string[] = [];
  const bind = bindBehaviours({
    agents: new Map([['support', agent('1')]]),
    behaviours: [agent('0'), agent('2')],
    rolloutOf: () => rollout,
    onMissing: ({ candidate }, running) => told.push(`${candidate} ${running}`),
  });
  const version = (begunUnder: string | null) => bind(task(1), begunUnder)?.version;
  expect([version(null), version('1'), version('0'), version('gone')]).toEqual(['2', '1', '0', '1']);
  rollout = { ...ROLLOUT, share: 0, state: 'rolled-back' };
  expect([version(null), version('2')]).toEqual(['1', '2']);
  rollout = { ...ROLLOUT, share: 1, candidate: '9' };
  expect([version(null), version(null), told]).toEqual(['1', '1', ['9 1']]);
  expect(bind({ ...task(1), agent: 'nobody' }, null)).toBeNull();
});
