/**
 * Freshet beside other runtimes of durable agents, one after the other on the same machine: executions of twenty steps, ten of an
 * instant model and ten of an instant tool, each step durable before the next as each system promises it. One or fifty executions are
 * under way at any time: the peers are called so, and Freshet takes its tasks from the log, where as many more wait. Postgres as the sample database has it, synced to
 * the disk at every commit; Restate with its defaults, synced too; Kafka as Freshet starts it, which acknowledges once a record
 * is the broker's and leaves syncing to the system: so Freshet is measured again with every batch of its journal synced.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { cacheDirectoryOf } from '../connectors/stack/cache-directory.ts';
import type { Stack } from '../connectors/stack/start-stack.ts';
import { toError } from '../schemas/errors.ts';
import { type AgentThroughput, runAgentPeer, throughputOf } from './support/agent-peer.ts';
import type { Bench, Figure } from './support/bench.ts';
import { openBenchStack } from './support/bench-stack.ts';
import { openInstantWorker } from './support/instant-worker.ts';
import { processesOf } from './support/processes.ts';

const CONCURRENCIES = [1, 50] as const;
const SECONDS = 15;
const WARM_UP_SECONDS = 5;
const TOOL_CALLS = 10;
/** How many times as many steps a second, at concurrency 50. */
const AT_LEAST = { langgraph: 10, restate: 5, dbos: 5 } as const;
const PEERS = ['langgraph', 'restate', 'dbos'] as const;

type ByConcurrency = ReadonlyMap<number, AgentThroughput>;

export const agentsPeersBench: Bench = {
  name: 'agents-peers',
  measures:
    'durable executions of twenty steps, beside LangGraph.js, Restate and DBOS, at concurrency 1 and 50',
  runs: 3,
  run: async (tell, signal, options) => {
    const seconds = options.seconds ?? SECONDS;
    const figures: Record<string, Figure> = {};
    const add = (name: string, found: ByConcurrency): void => {
      for (const [concurrency, { executionsPerSecond, stepsPerSecond, cpuMsPerStep }] of found) {
        const at = `${name}, ${concurrency} at once`;
        figures[at] = {
          value: stepsPerSecond,
          unit: 'steps/s',
          ...(name === 'freshet' && concurrency === 50 ? { target: { atLeast: 4_000 } } : {}),
        };
        figures[`${at}, executions`] = { value: executionsPerSecond, unit: '/s' };
        figures[`${at}, CPU a step`] = { value: cpuMsPerStep, unit: 'ms' };
        tell(`${at}: ${stepsPerSecond.toFixed(0)} steps/s, ${cpuMsPerStep.toFixed(2)} CPU-ms a step`);
      }
    };

    const own = await freshet(CONCURRENCIES, seconds, false, signal);
    add('freshet', own);
    const synced = await freshet([50], seconds, true, signal);
    add('freshet with a synced journal', synced);
    const stack = await startPostgres(signal);
    try {
      for (const name of PEERS) {
        try {
          const found = await peer(name, stack, seconds, tell, signal);
          add(name, found);
          const ratio = (mine: ByConcurrency): number =>
            (mine.get(50)?.stepsPerSecond ?? Number.NaN) / (found.get(50)?.stepsPerSecond ?? Number.NaN);
          figures[`freshet / ${name}`] = {
            value: ratio(own),
            unit: '×',
            target: { atLeast: AT_LEAST[name] },
          };
          figures[`freshet with a synced journal / ${name}`] = { value: ratio(synced), unit: '×' };
        } catch (thrown) {
          if (signal.aborted) throw thrown;
          const reason = toError(thrown).message;
          tell(`${name} is absent: ${reason}`);
          figures[`${name} is absent: ${reason.split('\n')[0]}`] = { value: Number.NaN, unit: '' };
        }
      }
      return figures;
    } finally {
      await stack.stop();
    }
  },
};

const freshet = async (
  concurrencies: readonly number[],
  seconds: number,
  journalSynced: boolean,
  signal: AbortSignal,
): Promise<ByConcurrency> => {
  const found = new Map<number, AgentThroughput>();
  for (const concurrency of concurrencies) {
    let onEnded: () => void = () => undefined;
    const worker = await openInstantWorker({
      ...{ concurrency, toolCalls: TOOL_CALLS, journalSynced, signal },
      onEnded: () => onEnded(),
    });
    const cpuSeconds = (): number => {
      const { user, system } = process.cpuUsage();
      const servers = processesOf({ servers: worker.servers(), roles: {} });
      return (user + system) / 1e6 + servers.reduce((sum, each) => sum + each.cpuSeconds, 0);
    };
    /** The worker holds so many at once; as many more wait in the log, so that a place is taken as soon as it is free. */
    const runFor = async (time: number): Promise<number> => {
      const before = worker.counts().ended;
      const end = performance.now() + time * 1_000;
      let open = 2 * concurrency;
      onEnded = () => {
        open -= 1;
        if (performance.now() >= end || signal.aborted) return;
        open += 1;
        void worker.submit(1);
      };
      await worker.submit(open);
      while (open > 0 && !signal.aborted) await sleep(2);
      return worker.counts().ended - before;
    };
    try {
      await runFor(WARM_UP_SECONDS);
      const cpuBefore = cpuSeconds();
      const began = performance.now();
      const executions = await runFor(seconds);
      const took = (performance.now() - began) / 1_000;
      // Eleven model steps, not ten: the last reply is the answer. Twenty are counted, as with the others.
      found.set(concurrency, throughputOf(executions, took, cpuSeconds() - cpuBefore));
    } finally {
      await worker.close();
    }
  }
  return found;
};

type PostgresAlone = Stack & { readonly stop: () => Promise<void> };

const startPostgres = async (signal: AbortSignal): Promise<PostgresAlone> => {
  const servers = await openBenchStack(['postgres'], signal);
  const { stack } = servers;
  return {
    ...stack,
    stop: async () => {
      await servers.close();
    },
  };
};

/** A database of its own, made anew. */
const databaseFor = async (name: string, server: string): Promise<string> => {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
};

const peer = async (
  name: (typeof PEERS)[number],
  stack: Stack,
  seconds: number,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<ByConcurrency> => {
  const usesPostgres = name !== 'restate';
  const postgres = stack.servers().find((server) => server.name === 'postgres');
  return runAgentPeer(name, {
    cacheDirectory: cacheDirectoryOf(process.env),
    url: usesPostgres ? await databaseFor(`peer_${name}`, stack.postgres.url) : '',
    servers: usesPostgres && postgres ? { postgres: postgres.pid } : {},
    concurrencies: CONCURRENCIES,
    warmUpSeconds: WARM_UP_SECONDS,
    ...{ seconds, tell, signal },
  });
};
