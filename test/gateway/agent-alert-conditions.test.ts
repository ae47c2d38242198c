/** When agents call for a person: decided on figures alone, and the same by however many gateways look. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AgentsSeen, conditionsOfAgents } from '../../gateway/agent-alert-conditions.ts';
import {
  type AlertTrack,
  ENDS_AFTER,
  joinAlerts,
  stepAlerts,
} from '../../pipelines/track-freshness/alert-state.ts';
import { ALERT_POLICY_SCHEMA } from '../../schemas/alert-policy.ts';
import type { Alert } from '../../schemas/records.ts';

const NOW = 1_800_000_000_000_000;
const SECOND = 1_000_000;
const POLICY = ALERT_POLICY_SCHEMA.parse({});
const AGENT = 'support';

const seenOf = (over: Partial<AgentsSeen> = {}): AgentsSeen => ({
  ...{ agents: [AGENT], standing: [], endings: new Map(), wholeWindow: true, budgets: [], breakers: [] },
  ...over,
});
const endings = (ended: number, failed: number, loops = 0) => new Map([[AGENT, { ended, failed, loops }]]);
const alertOf = (key: string): Alert => {
  const [source = '', kind] = key.split('/');
  return { source, kind } as Alert;
};
const held = (seen: AgentsSeen, firing: readonly string[] = []): readonly string[] =>
  conditionsOfAgents({ ...seen, standing: firing.map(alertOf) }, POLICY).flatMap(({ source, conditions }) =>
    conditions.map(({ kind }) => `${source}/${kind}`),
  );

describe('rates of an agent', () => {
  const FAILING = `agent:${AGENT}/failing`;
  const LOOPING = `agent:${AGENT}/looping`;

  test('begin at their threshold, and of enough executions alone', () => {
    expect(held(seenOf({ endings: endings(20, 4) }))).toEqual([]);
    expect(held(seenOf({ endings: endings(20, 5) }))).toEqual([FAILING]);
    expect(held(seenOf({ endings: endings(19, 19, 19) }))).toEqual([]);
    expect(held(seenOf({ endings: endings(20, 2, 2) }))).toEqual([LOOPING]);
    expect(held(seenOf({ endings: endings(20, 1, 1) }))).toEqual([]);
  });

  test('end well below it, of however few, for whoever has watched a whole window', () => {
    expect(held(seenOf({ endings: endings(100, 24) }), [FAILING])).toEqual([FAILING]);
    expect(held(seenOf({ endings: endings(100, 22) }), [FAILING])).toEqual([]);
    expect(held(seenOf({ endings: endings(3, 0) }), [FAILING])).toEqual([]);
    expect(held(seenOf(), [FAILING])).toEqual([]);
    for (const some of [endings(3, 0), endings(100, 0), new Map()])
      expect(held(seenOf({ wholeWindow: false, endings: some }), [FAILING])).toEqual([FAILING]);
  });

  test('fewer executions than are enough do not end what all of them still bear out', () => {
    expect(held(seenOf({ endings: endings(19, 19) }), [FAILING])).toEqual([FAILING]);
    expect(held(seenOf({ endings: endings(1, 1, 1) }), [FAILING, LOOPING])).toEqual([FAILING, LOOPING]);
  });

  test('say how many of how many', () => {
    const [found] = conditionsOfAgents(seenOf({ endings: endings(40, 12) }), POLICY);
    expect(found?.conditions).toMatchObject([
      {
        ...{ severity: 'page', value: 0.3, threshold: 0.25 },
        summary:
          'support: 12 of 40 executions of the last 15 minutes failed or were halted (30.0 %, 25.0 % are allowed)',
      },
    ]);
  });
});

test('a budget is nearly spent from its share on; what is not known begins nothing and ends nothing', () => {
  const budget = (usdPerDay: string | null, spentUsd: string | null) =>
    seenOf({ agents: [], budgets: [{ of: 'tenant', name: 'acme', usdPerDay, spentUsd }] });
  const LOW = 'tenant:acme/budget-low';
  expect(held(budget('10', '7.999999'))).toEqual([]);
  expect(held(budget('10', '8'))).toEqual([LOW]);
  expect(held(budget('10', null))).toEqual([]);
  expect(held(budget('10', null), [LOW])).toEqual([LOW]);
  expect(held(budget('11', '8'), [LOW])).toEqual([LOW]);
  expect(held(budget('20', '8'), [LOW])).toEqual([]);
  expect(held(budget('0', '0'))).toEqual([]);
  expect(held(budget(null, '8'), [LOW])).toEqual([]);
});

test('a breaker counts until it is closed; without Redis nothing changes', () => {
  const breaker = (state: 'open' | 'half-open' | 'closed', isDue = false) =>
    seenOf({ agents: [], breakers: [{ name: 'tool:refund', state, isDue }] });
  expect(held(breaker('open'))).toEqual(['tool:refund/breaker-open']);
  expect(held(breaker('half-open'))).toEqual(['tool:refund/breaker-open']);
  expect(held(breaker('closed'), ['tool:refund/breaker-open'])).toEqual([]);
  // Not looked at, its track stays as it is: it neither begins nor ends.
  for (const unclear of [seenOf({ agents: [], breakers: null }), breaker('open', true)])
    expect(conditionsOfAgents(unclear, POLICY)).toEqual([]);
});

test('what is configured no longer begins nothing, and ends once a whole window was looked at', () => {
  const gone = ['failing', 'looping', 'budget-low'].map((kind) => `agent:old/${kind}`);
  const all = [...gone, 'tool:old/breaker-open'];
  expect(held(seenOf(), all)).toEqual([]);
  expect(held(seenOf({ wholeWindow: false }), all)).toEqual(all);
  // It runs somewhere still, or nobody knows.
  const failing = new Map([['old', { ended: 40, failed: 30, loops: 0 }]]);
  expect(held(seenOf({ endings: failing }))).toEqual([]);
  expect(held(seenOf({ endings: failing }), all)).toEqual(['agent:old/failing']);
  expect(held(seenOf({ breakers: null }), all)).toEqual([]);
  expect(
    conditionsOfAgents({ ...seenOf({ breakers: null }), standing: all.map(alertOf) }, POLICY),
  ).not.toContainEqual(expect.objectContaining({ source: 'tool:old' }));
});

/** Gateways over one log: each knows what stands on it, and looks when it does. */
const simulate = (
  rounds: readonly { gateway: number; seconds: number; failed: number; wholeWindow?: boolean }[],
) => {
  const log: Alert[] = [];
  const tracks = new Map<number, AlertTrack>();
  let now = NOW;
  for (const { gateway, seconds, failed, wholeWindow = true } of rounds) {
    now += seconds * SECOND;
    const standing = log.at(-1);
    const seen = seenOf({
      ...{ endings: endings(100, failed), wholeWindow },
      standing: standing?.state === 'firing' ? [standing] : [],
    });
    const [found] = conditionsOfAgents(seen, POLICY);
    const before = joinAlerts(tracks.get(gateway) ?? {}, standing ? [standing] : []);
    const at = { source: `agent:${AGENT}`, slowestStage: null, now };
    const { track, turned } = stepAlerts(before, found?.conditions ?? [], at, {});
    tracks.set(gateway, track);
    log.push(...turned);
  }
  return log;
};

describe('several gateways', () => {
  const look = (gateway: number, seconds: number, failed: number) => ({ gateway, seconds, failed });

  test('one raises it and any of them ends it, once it was gone for a minute', () => {
    const bad = [look(0, 5, 30), look(1, 1, 30), look(2, 1, 30)];
    expect(simulate(bad)).toMatchObject([{ state: 'firing', since: NOW + 5 * SECOND }]);
    const good = Array.from({ length: 40 }, (_, at) => look(1 + (at % 2), 5, 1));
    expect(simulate([...bad, ...good])).toMatchObject([{ state: 'firing' }, { state: 'ended' }]);
    expect(simulate([...bad, ...good.slice(0, 5), ...bad, ...good.slice(0, 5)])).toHaveLength(1);
  });

  test('one that has not watched a whole window ends nothing that another still sees', () => {
    const young = { ...look(1, 5, 0), wholeWindow: false };
    const both = Array.from({ length: 30 }, () => [look(0, 5, 30), young]).flat();
    const alone = Array.from({ length: 30 }, () => young);
    expect(simulate([...both, ...alone])).toMatchObject([{ state: 'firing' }]);
  });

  test('whatever comes, whoever looks: told in turns, and never ended sooner than a minute after it began', () => {
    const round = fc.record({
      gateway: fc.nat(2),
      seconds: fc.integer({ min: 1, max: 40 }),
      failed: fc.constantFrom(0, 22, 23, 24, 25, 60),
    });
    fc.assert(
      fc.property(fc.array(round, { maxLength: 80 }), (rounds) => {
        for (const [at, alert] of simulate(rounds).entries()) {
          expect(alert.state).toBe(at % 2 === 0 ? 'firing' : 'ended');
          if (alert.state === 'ended') expect(alert.at - alert.since).toBeGreaterThanOrEqual(ENDS_AFTER);
        }
      }),
    );
  });
});
