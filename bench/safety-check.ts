/**
 * What stands between a decision and its step: the verdict on loops, the kill switch and the limits in force, in the
 * process; with the shared counters, a reservation against both budgets and the breaker of the model, on a real Redis that
 * is also asked by other executions.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import {
  afterStep,
  EMPTY_LOOP,
  type LoopState,
  loopVerdict,
  type StepSeen,
} from '../agents/safety/loop-state.ts';
import { openRedisBudgetLedger } from '../connectors/redis/redis-budget-ledger.ts';
import { openSharedBreakers } from '../connectors/redis/shared-breaker.ts';
import { dayOf } from '../schemas/budget-ledger.ts';
import { hashOf } from '../schemas/canonical-json.ts';
import { systemClock } from '../schemas/clock.ts';
import { signalRecord } from '../schemas/control-signals.ts';
import { createControlView } from '../schemas/control-view.ts';
import { DEFAULT_SAFETY } from '../schemas/safety-policy.ts';
import { type Bench, percentile } from './support/bench.ts';
import { openBenchStack } from './support/bench-stack.ts';

/** As many as an execution may have, so that what it knows is as large as it gets. */
const STEPS = 1_000;
const EXECUTIONS = 20;
const WARM_UP = 3_000;
const CHECKS = 5_000;
const OTHERS = 8;
const KILLED_TENANTS = 1_000;
const LIMITS = { ...DEFAULT_SAFETY, maxCallsPerTool: STEPS };

const stepAt = (at: number): StepSeen => ({
  kind: at % 2 === 0 ? 'model' : 'tool',
  name: at % 2 === 0 ? 'model' : `tool-${at % 7}`,
  inputHash: hashOf({ at }),
  outcomeHash: hashOf({ outcome: at }),
  effect: at % 5 === 0 ? 'write' : 'read',
});
/** Two rounds of the longest cycle but for its last step: every length of cycle is tried, and none is found early. */
const swinging = (at: number): StepSeen => ({
  ...stepAt(1),
  inputHash: String(at % 16),
  outcomeHash: 'same',
});

const controlWithKills = () => {
  const view = createControlView();
  for (let at = 0; at < KILLED_TENANTS; at += 1) {
    const asked = { agent: 'support', tenant: `tenant-${at}`, by: 'bench', reason: null, at };
    view.apply(signalRecord({ kind: 'kill', ...asked }, String(at)).control);
  }
  return view;
};

const checksInProcess = (): readonly number[] => {
  const view = controlWithKills();
  const took: number[] = [];
  const take = (loop: LoopState, step: StepSeen): LoopState => {
    const began = performance.now();
    loopVerdict(loop, step, LIMITS);
    view.isKilled('support', 'acme');
    view.limitsOf('support', 'acme', LIMITS.usdPerDay);
    const next = afterStep(loop, step);
    took.push(performance.now() - began);
    return next;
  };
  for (let execution = 0; execution < EXECUTIONS; execution += 1) {
    let loop = EMPTY_LOOP;
    for (let at = 0; at < STEPS; at += 1) loop = take(loop, stepAt(at));
    for (let at = 0; at < 31; at += 1) loop = take(loop, swinging(at));
  }
  return took.slice(WARM_UP);
};

/** What of it is the machine's: the same way there and back, with nothing to do at the other end. */
const pingTimes = async (url: string, count: number): Promise<readonly number[]> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay(true);
  await once(socket, 'connect');
  const took: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const began = performance.now();
    socket.write('PING\r\n');
    await once(socket, 'data');
    took.push(performance.now() - began);
  }
  socket.destroy();
  return took;
};

export const safetyCheckBench: Bench = {
  name: 'safety-check',
  measures: 'the check before every step: in the process, and with budgets and breakers shared through Redis',
  runs: 3,
  run: async (tell, signal) => {
    const alone = checksInProcess();
    tell(`${alone.length} checks in the process`);
    const servers = await openBenchStack(['redis'], signal);
    const { stack } = servers;
    const ledger = await openRedisBudgetLedger({ url: stack.redis, clock: systemClock });
    const breakers = await openSharedBreakers({ url: stack.redis, group: 'bench' });
    try {
      await ledger.rebuild(dayOf(systemClock()), async () => []);
      const limits = { agentUsd: '1000000', tenantUsd: '1000000' };
      const check = async (costId: string): Promise<number> => {
        const began = performance.now();
        const [reserved, breaker] = await Promise.all([
          ledger.reserve({
            costId,
            agent: 'support',
            tenant: 'acme',
            usd: '0.01',
            at: systemClock(),
            limits,
          }),
          breakers.before('model:instant'),
        ]);
        const took = performance.now() - began;
        if (!reserved.allowed || !breaker.allowed) throw new Error('nothing forbids this');
        return took;
      };
      let done = false;
      const others = Array.from({ length: OTHERS }, async (_, other) => {
        for (let at = 0; !done; at += 1) {
          const costId = `other-${other}:1:${at}`;
          await check(costId);
          await ledger.settle({ costId, usd: '0.001' });
          await breakers.after('model:instant', true);
          // A model takes its time.
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      });
      const shared: number[] = [];
      for (let at = 0; at < CHECKS && !signal.aborted; at += 1) {
        shared.push(await check(`execution:1:${at}`));
        await ledger.settle({ costId: `execution:1:${at}`, usd: '0.001' });
      }
      done = true;
      await Promise.all(others);
      const warm = shared.slice(500);
      const bare = await pingTimes(stack.redis, warm.length);
      return {
        'in process p50': { value: percentile(alone, 50), unit: 'ms' },
        'in process p99': { value: percentile(alone, 99), unit: 'ms', target: { atMost: 0.1 } },
        'shared counters p50': { value: percentile(warm, 50), unit: 'ms' },
        'shared counters p99': { value: percentile(warm, 99), unit: 'ms', target: { atMost: 2 } },
        'a bare PING p99': { value: percentile(bare, 99), unit: 'ms' },
        checks: { value: alone.length + warm.length, unit: '' },
      };
    } finally {
      await Promise.all([ledger.close(), breakers.close()]);
      await servers.close();
    }
  },
};
