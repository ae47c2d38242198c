import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConnectorStatus } from '../../../connectors/debezium/connect-api.ts';
import {
  type ConnectorWatch,
  decideConnector,
  FIRST_BACKOFF_MS,
  healthOf,
  LONGEST_BACKOFF_MS,
  NEW_WATCH,
  STABLE_MS,
} from '../../../connectors/debezium/connector-health-state.ts';

const status = (connector: string, ...tasks: string[]): ConnectorStatus => ({
  name: 'c',
  connector: { state: connector, worker_id: 'w' },
  tasks: tasks.map((state, id) => ({
    ...{ id, state, worker_id: 'w' },
    ...(state === 'FAILED' ? { trace: 'a.B: boom\n\tat a.C(D.java)\nCaused by: x' } : {}),
  })),
});

test('a failed task counts even where the connector itself runs', () => {
  expect(healthOf(status('RUNNING', 'FAILED'))).toEqual({
    kind: 'failed',
    reason: 'a.B: boom\nCaused by: x',
  });
  expect(healthOf(status('FAILED')).kind).toBe('failed');
});

test('a connector without tasks only waits', () => {
  expect(healthOf(status('RUNNING')).kind).toBe('waiting');
  expect(healthOf(status('RUNNING', 'UNASSIGNED')).kind).toBe('waiting');
  expect(healthOf(status('PAUSED', 'PAUSED')).kind).toBe('paused');
  expect(healthOf(status('RUNNING', 'RUNNING')).kind).toBe('running');
});

test('the first failure is restarted at once, the same failure again after a pause that doubles', () => {
  let watch: ConnectorWatch = NEW_WATCH;
  const restarts: number[] = [];
  for (let now = 0; now <= 200_000; now += 100) {
    const decision = decideConnector(watch, status('RUNNING', 'FAILED'), now);
    watch = decision.watch;
    if (decision.restart) restarts.push(now);
  }
  expect(restarts.slice(0, 5)).toEqual([0, 500, 1500, 3500, 7500]);
  const pauses = restarts.slice(1).map((at, index) => at - (restarts[index] ?? 0));
  expect(Math.max(...pauses)).toBe(LONGEST_BACKOFF_MS);
});

test('running for a while starts the backoff over; running for a moment does not', () => {
  const failed = status('RUNNING', 'FAILED');
  const running = status('RUNNING', 'RUNNING');
  const once = decideConnector(NEW_WATCH, failed, 0).watch;
  const moment = decideConnector(decideConnector(once, running, 100).watch, failed, 200);
  expect(moment.restart).toBe(false);
  const up = decideConnector(once, running, 100).watch;
  const stable = decideConnector(up, running, 100 + STABLE_MS).watch;
  const again = decideConnector(stable, failed, 200 + STABLE_MS);
  expect(again.restart).toBe(true);
  expect(again.watch.nextRestartAt).toBe(200 + STABLE_MS + FIRST_BACKOFF_MS);
});

test('whatever is seen: only failures are restarted, news is told once, restarts keep their distance', () => {
  const seen = fc.oneof(
    fc.constantFrom('missing' as const, 'unreachable' as const),
    fc
      .tuple(
        fc.constantFrom('RUNNING', 'FAILED', 'PAUSED'),
        fc.constantFrom('RUNNING', 'FAILED', 'UNASSIGNED'),
      )
      .map(([connector, task]) => status(connector, task)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(seen, fc.nat(5000)), { maxLength: 60 }), (steps) => {
      let watch: ConnectorWatch = NEW_WATCH;
      let now = 0;
      let last = Number.NEGATIVE_INFINITY;
      for (const [observed, pause] of steps) {
        now += pause;
        const before = watch.health;
        const decision = decideConnector(watch, observed, now);
        watch = decision.watch;
        expect(decision.changed).toBe(JSON.stringify(before) !== JSON.stringify(healthOf(observed)));
        if (!decision.restart) continue;
        expect(healthOf(observed).kind).toBe('failed');
        expect(now - last).toBeGreaterThanOrEqual(FIRST_BACKOFF_MS);
        last = now;
      }
    }),
  );
});
