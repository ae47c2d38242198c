/**
 * Whether anything grows: 100,000 executions of many short conversations, each a task that one worker takes from Kafka, journals
 * step by step and remembers, with the pipeline and the index that long-term memories take. All tasks go to one partition, so
 * that what is bounded by partition (the 50,000 ended executions that are known by id) is full by half of the run; what is held
 * is written down every 2,000 executions, after a collection, and the second half tells whether it grows.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { seededRandom } from '../connectors/sample-source/seeded-random.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type Bench, type Figures, keepResult, machineFacts } from './support/bench.ts';
import {
  LOOK_IT_UP,
  openSoakPlane,
  SOAK_AGENTS,
  SOAK_PARTITION,
  type SoakHeld,
} from './support/soak-plane.ts';

const EXECUTIONS = 100_000;
const MOST_SECONDS = 1_500;
const AT_ONCE = 48;
const SESSIONS_AT_ONCE = 32;
const TURNS_OF_SESSION = 6;
const TENANTS = 4;
/** One execution in so many calls a tool: there is a behaviour to learn. */
const LEARNS_EVERY = 5;
const SAMPLES = 50;
const WORDS =
  'order parcel invoice router cable window valve pump lamp crate harbour label return refund delay'.split(
    ' ',
  );

type Sample = SoakHeld & { readonly executions: number; readonly seconds: number };

/** What is held, not what waits to be collected. */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Least squares: what is added for every 10,000 executions. */
const slopeOf = (samples: readonly Sample[], of: (sample: Sample) => number): number => {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length;
  const [x, y] = [mean(samples.map(({ executions }) => executions)), mean(samples.map(of))];
  const over = samples.reduce((sum, each) => sum + (each.executions - x) * (of(each) - y), 0);
  const by = samples.reduce((sum, { executions }) => sum + (executions - x) ** 2, 0);
  return by === 0 ? 0 : (over / by) * 10_000;
};

const taskOf = (at: number, random: ReturnType<typeof seededRandom>) => {
  const word = (): string => WORDS[Math.floor(random.fraction() * WORDS.length)] ?? 'order';
  const session =
    Math.floor(at / SESSIONS_AT_ONCE / TURNS_OF_SESSION) * SESSIONS_AT_ONCE + (at % SESSIONS_AT_ONCE);
  const customer = Math.floor(random.fraction() * 40);
  return {
    taskId: `task-${at}`,
    agent: SOAK_AGENTS[session % SOAK_AGENTS.length],
    tenant: `tenant-${session % TENANTS}`,
    sessionId: `s-${session}`,
    input: `What of the ${word()} and the ${word()} of customer ${customer}?${at % LEARNS_EVERY === 0 ? ` ${LOOK_IT_UP}` : ''}`,
  };
};

const MEASURES: readonly {
  readonly name: string;
  readonly of: (each: SoakHeld) => number;
  readonly unit: string;
  readonly mayGrow: number;
}[] = [
  { name: 'heap', of: (each) => each.heapMegabytes, unit: 'MB', mayGrow: 1 },
  { name: 'Redis', of: (each) => each.redisMegabytes, unit: 'MB', mayGrow: 0.1 },
  { name: 'Redis keys', of: (each) => each.redisKeys, unit: '', mayGrow: 50 },
  { name: 'sessions', of: (each) => each.sessions, unit: '', mayGrow: 50 },
  { name: 'memories kept', of: (each) => each.kept, unit: '', mayGrow: 50 },
  { name: 'ledger', of: (each) => each.ledger, unit: 'records', mayGrow: 100 },
  { name: 'memories in the index', of: (each) => each.indexDocuments, unit: '', mayGrow: 50 },
];

const figuresOf = (samples: readonly Sample[]): Figures => {
  const half = Math.floor(samples.length / 2);
  const [first, second] = [samples.slice(0, half), samples.slice(half)];
  const peak = (of: (each: Sample) => number, list: readonly Sample[]): number =>
    Number(Math.max(...list.map(of)).toFixed(1));
  const perExecution = (of: (each: Sample) => number, list: readonly Sample[]): number => {
    const [from, to] = [list[0], list.at(-1)];
    if (!from || !to || to.executions === from.executions) return Number.NaN;
    return Number(((of(to) - of(from)) / (to.executions - from.executions)).toFixed(2));
  };
  return {
    ...Object.fromEntries(
      MEASURES.flatMap(({ name, of, unit, mayGrow }) => [
        [`${name}, peak of the first half`, { value: peak(of, first), unit }],
        [`${name}, peak of the second half`, { value: peak(of, second), unit }],
        [
          `${name}, slope of the second half`,
          {
            value: Number(slopeOf(second, of).toFixed(3)),
            unit: `${unit} per 10,000`.trim(),
            target: { atMost: mayGrow },
          },
        ],
      ]),
    ),
    'journal records an execution, first half': {
      value: perExecution((each) => each.journalRecords, first),
      unit: '',
    },
    'journal records an execution, second half': {
      value: perExecution((each) => each.journalRecords, second),
      unit: '',
    },
    'markers of ended memories, an execution, second half': {
      value: perExecution((each) => each.indexMarkers, second),
      unit: '',
    },
    'memory records an execution, second half': {
      value: perExecution((each) => each.memoryRecords, second),
      unit: '',
    },
  };
};

export const memorySoakBench: Bench = {
  name: 'memory-soak',
  measures:
    'what worker, Redis and index hold while 100,000 executions run and are remembered: does it grow?',
  runs: 1,
  run: async (tell, signal, { rows = EXECUTIONS, seconds = MOST_SECONDS }) => {
    let ended = 0;
    const waiting: (() => void)[] = [];
    const plane = await openSoakPlane({
      ...{ concurrency: AT_ONCE, signal, tell },
      onEnded: () => {
        ended += 1;
        waiting.shift()?.();
      },
    });
    try {
      const random = seededRandom('memory-soak');
      const begun = performance.now();
      const since = (): number => (performance.now() - begun) / 1_000;
      const samples: Sample[] = [];
      let sampling: Promise<void> | undefined;
      const sample = async (): Promise<void> => {
        const executions = ended;
        collect();
        samples.push({ executions, seconds: Math.round(since()), ...(await plane.held()) });
        if (samples.length % 5 === 0) tell(JSON.stringify(samples.at(-1)));
      };
      const every = Math.ceil(rows / SAMPLES);
      let next = 0;
      const lane = async (): Promise<void> => {
        for (let at = next++; at < rows && !signal.aborted && since() < seconds; at = next++) {
          const { sessionId, ...task } = taskOf(at, random);
          const done = new Promise<void>((resolve) => waiting.push(resolve));
          const value = Buffer.from(JSON.stringify({ ...task, sessionId }));
          await plane.writer.append([
            { topic: TOPICS.tasks.name, partition: SOAK_PARTITION, key: sessionId, value },
          ]);
          await done;
          if (ended >= every * (samples.length + 1))
            sampling ??= sample().finally(() => {
              sampling = undefined;
            });
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      await sampling;
      const took = since();
      const { failed, troubles, turnsMoved, expired, tooMany } = plane.sums();
      const perSecond = (of: readonly Sample[]): number => {
        const [from, to] = [of[0], of.at(-1)];
        return from && to ? Math.round((to.executions - from.executions) / (to.seconds - from.seconds)) : 0;
      };
      const half = Math.floor(samples.length / 2);
      keepResult('memory-soak-samples', { machine: machineFacts(), samples });
      return {
        executions: { value: ended, unit: '', target: { atLeast: EXECUTIONS } },
        'executions a second': { value: Math.round(ended / took), unit: '/s' },
        'executions a second, first half': { value: perSecond(samples.slice(0, half)), unit: '/s' },
        'executions a second, second half': { value: perSecond(samples.slice(half)), unit: '/s' },
        ...figuresOf(samples),
        'turns moved by the keeper': { value: turnsMoved, unit: '' },
        'pruned by age': { value: expired, unit: '' },
        'pruned by number': { value: tooMany, unit: '' },
        'executions not completed': { value: failed, unit: '', target: { atMost: 0 } },
        troubles: { value: troubles, unit: '', target: { atMost: 0 } },
      };
    } finally {
      await plane.close();
    }
  },
};
