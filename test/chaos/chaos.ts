/**
 * `npm run chaos -- --seed n --minutes m [--plant name] [--check file]`: kills, stops and cuts at random under load, on servers
 * of its own, and holds what happened against I2, I3 and I8, and what is remembered and shown against the journal. Exit code 1 where one is broken, 2 for a usage that is none.
 * `--check` holds a kept history against them once more.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startTestStack } from '../support/own-stack.ts';
import type { Fault } from './chaos-plan.ts';
import { checkHistory, type Verdict } from './check-history.ts';
import { entriesOf, type HistoryEntry } from './history.ts';
import { PLANTS } from './plants/plants.ts';
import { runChaos } from './run-chaos.ts';

const FOLDER = '.freshet/chaos';
const MOST_SHOWN = 12;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1).padStart(6)} s`;

const faultText = (fault: Fault): string => {
  switch (fault.kind) {
    case 'kill':
      return `${fault.process} killed, another after ${fault.backAfterMs} ms`;
    case 'stop':
      return `${fault.process} stopped for ${fault.forMs} ms`;
    case 'cut':
      return `${fault.process}: the next ${fault.requests} produce requests lose their connection (${fault.where})`;
    case 'restart-broker':
      return 'the broker killed and started again';
    case 'kill-redis':
      return `Redis killed, another after ${fault.backAfterMs} ms, which knows nothing`;
    case 'cut-redis':
      return `${fault.process}: the next command loses all connections to Redis (${fault.where}), for ${fault.forMs} ms`;
    default:
      return fault satisfies never;
  }
};

const KINDS = ['kill', 'stop', 'cut', 'restart-broker', 'kill-redis', 'cut-redis'] as const;

const showAsItComes = (entry: HistoryEntry): void => {
  if (entry.kind === 'fault') say(`${seconds(entry.atMs)}  ${faultText(entry.fault)}`);
  if (entry.kind === 'process' && entry.said !== null)
    say(`${seconds(entry.atMs)}  ${entry.process} ended by itself: ${entry.said.split('\n').at(-1)}`);
  if (entry.kind === 'healed')
    say(`${seconds(entry.atMs)}  healed: all processes are back, nothing is cut any more`);
  if (entry.kind === 'forgotten') say(`${seconds(entry.atMs)}  all has ended; Redis killed once more`);
};

const showCounts = (history: readonly HistoryEntry[]): void => {
  const count = (kind: HistoryEntry['kind']): number => entriesOf(history, kind).length;
  const faults = entriesOf(history, 'fault').map(({ fault }) => fault.kind);
  const results = new Map(
    entriesOf(history, 'result').map((each) => [each.taskId, each.code ?? each.outcome]),
  );
  const ends = [...results.values()].reduce(
    (all, end) => all.set(end, (all.get(end) ?? 0) + 1),
    new Map<string, number>(),
  );
  const claims = entriesOf(history, 'journal').filter(({ event }) => event.type === 'claim').length;
  const deeds = entriesOf(history, 'deed');
  say(
    `faults      ${KINDS.map((kind) => `${kind} ${faults.filter((each) => each === kind).length}`).join(', ')}`,
  );
  say(
    `tasks       ${count('acknowledged')} acknowledged; ${[...ends].map(([end, many]) => `${end} ${many}`).join(', ')}`,
  );
  const posted = entriesOf(history, 'acknowledged').filter(({ taskId, as }) => taskId !== as).length;
  say(
    `gateway     ${posted} of them posted, ${count('posted-again')} once more; ${entriesOf(history, 'fault').filter(({ fault }) => fault.kind === 'kill' && fault.process === 'gateway').length} times killed`,
  );
  const told = entriesOf(history, 'journal').flatMap(({ event }) => event.recalled?.session ?? []);
  const [ledger] = entriesOf(history, 'ledger');
  say(
    `redis       sessions ${[...new Set(told)].map((each) => `${each} ${told.filter((one) => one === each).length}`).join(', ')}; ${ledger?.usd ?? '0'} of ${entriesOf(history, 'terms')[0]?.dayUsd ?? '0'} USD of the thrifty agent's day counted at the end`,
  );
  say(
    `journal     ${count('journal')} events, ${claims} claims (${claims - results.size} beyond the first of each task)`,
  );
  say(
    `model       ${count('charged')} calls metered, ${entriesOf(history, 'charged').filter(({ lost }) => lost).length} of them broken off; ${count('cost')} cost events, ${entriesOf(history, 'cost').filter(({ settled }) => !settled).length} counted at the reservation`,
  );
  say(
    `deeds       ${deeds.filter(({ applied }) => applied).length} took effect, ${deeds.filter(({ applied }) => !applied).length} asked for again under a known key`,
  );
};

const showVerdicts = (verdicts: readonly Verdict[]): boolean => {
  for (const { invariant, checked, violations } of verdicts) {
    say(
      `${invariant.padEnd(12)}${violations.length === 0 ? 'holds' : `BROKEN ${violations.length} times`} (${checked} held against it)`,
    );
    for (const violation of violations.slice(0, MOST_SHOWN)) say(`              ${violation}`);
    if (violations.length > MOST_SHOWN) say(`              and ${violations.length - MOST_SHOWN} more`);
  }
  return verdicts.every(({ violations }) => violations.length === 0);
};

const run = async (seed: number, minutes: number, plant: string | null): Promise<boolean> => {
  say(`seed ${seed}, ${minutes} minutes${plant === null ? '' : `, planted: ${PLANTS[plant]?.says}`}`);
  const ended = new AbortController();
  process.once('SIGINT', () => ended.abort());
  process.once('SIGTERM', () => ended.abort());
  const stack = await startTestStack({ servers: ['kafka', 'schemaRegistry', 'redis'] });
  try {
    const { history, verdicts } = await runChaos(
      {
        kafka: stack.kafka,
        schemaRegistry: stack.schemaRegistry,
        redis: stack.redis,
        killRedis: () => stack.killServer('redis'),
        startRedis: () => stack.startServer('redis'),
        restartBroker: async () => {
          await stack.killServer('kafka');
          await stack.startServer('kafka');
        },
      },
      { seed, forMs: minutes * 60_000, plant, onEntry: showAsItComes, signal: ended.signal },
    );
    mkdirSync(FOLDER, { recursive: true });
    const file = `${FOLDER}/seed-${seed}${plant === null ? '' : `-${plant}`}.ndjson`;
    writeFileSync(file, history.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    showCounts(history);
    say(`history     ${file}`);
    return showVerdicts(verdicts);
  } finally {
    await stack.stop();
  }
};

const check = (file: string): boolean => {
  const history = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as HistoryEntry);
  for (const entry of history) showAsItComes(entry);
  showCounts(history);
  return showVerdicts(checkHistory(history));
};

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    minutes: { type: 'string', default: '1' },
    plant: { type: 'string' },
    check: { type: 'string' },
  },
});
const seed = Number(values.seed);
const minutes = Number(values.minutes);
if (!Number.isInteger(seed) || !(minutes > 0) || (values.plant !== undefined && !(values.plant in PLANTS))) {
  process.stderr.write(
    `--seed takes a whole number, --minutes more than 0, --plant one of: ${Object.keys(PLANTS).join(', ')}\n`,
  );
  process.exitCode = 2;
} else {
  const holds =
    values.check === undefined ? await run(seed, minutes, values.plant ?? null) : check(values.check);
  process.exitCode = holds ? 0 : 1;
}
