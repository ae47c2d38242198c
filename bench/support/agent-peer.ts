/**
 * A peer of bench agents-peers: a program of bench/peers/agents in a process of its own, with packages of its own, that are
 * installed into Freshet's cache folder on first use.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { installFolder } from '../../connectors/stack/install-folder.ts';
import { processesOf } from './processes.ts';

/** What one system did at one concurrency. */
export interface AgentThroughput {
  readonly executionsPerSecond: number;
  readonly stepsPerSecond: number;
  /** Of every process that takes part, servers too, milliseconds. */
  readonly cpuMsPerStep: number;
}

export interface PeerRun {
  readonly cacheDirectory: string;
  /** Of a database made for this peer; '' where it needs none. */
  readonly url: string;
  /** Servers beside the program whose CPU counts, by name. */
  readonly servers: Readonly<Record<string, number>>;
  readonly concurrencies: readonly number[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

export const STEPS_OF_AN_EXECUTION = 20;
/** Connections to Postgres, of each peer. */
const POOL = 20;
const SLACK_MS = 120_000;
const FOLDER = fileURLToPath(new URL('../peers/agents', import.meta.url));
const PACKAGES = ['package.json', 'package-lock.json'] as const;

const ended = (command: string, words: readonly string[], cwd: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, words, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (piece: Buffer) => {
      said += piece.toString();
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}: ${said.trim().slice(-500)}`)),
    );
  });

/** A folder with the packages of the peers and today's programs beside them. Throws what npm said where it cannot be made. */
export const installAgentPeers = async (
  cacheDirectory: string,
  tell: (line: string) => void,
): Promise<string> => {
  const hash = createHash('sha256');
  for (const name of PACKAGES) hash.update(readFileSync(join(FOLDER, name)));
  const folder = join(cacheDirectory, `peer-agents-${hash.digest('hex').slice(0, 12)}`);
  mkdirSync(cacheDirectory, { recursive: true });
  await installFolder(folder, tell, async (partial) => {
    tell(`installing LangGraph.js, Restate and DBOS into ${folder}, about 300 MB`);
    for (const name of PACKAGES) copyFileSync(join(FOLDER, name), join(partial, name));
    // No scripts: none of them needs one, and one of them reports to somebody outside.
    await ended('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], partial);
  });
  for (const name of readdirSync(FOLDER).filter((each) => each.endsWith('.mjs')))
    copyFileSync(join(FOLDER, name), join(folder, name));
  return folder;
};

type Line =
  | { readonly measuring: number }
  | {
      readonly measured: number;
      readonly executions: number;
      readonly seconds: number;
    };

/** Runs a peer's program to its end; what it did by concurrency. Whatever happens, none of its processes is left. */
export const runAgentPeer = async (
  name: 'langgraph' | 'restate' | 'dbos',
  run: PeerRun,
): Promise<ReadonlyMap<number, AgentThroughput>> => {
  const packages = await installAgentPeers(run.cacheDirectory, run.tell);
  const folder = mkdtempSync(join(tmpdir(), `freshet-bench-${name}-`));
  const { url, concurrencies, seconds, warmUpSeconds, servers } = run;
  const settings = { url, folder, concurrencies, seconds, warmUpSeconds, pool: POOL };
  // A group of its own: a server that the program has started ends with it.
  // With the heap that Freshet's worker has here (package.json, bench).
  const heap = process.execArgv.filter((word) => word.includes('semi-space'));
  const child = spawn(process.execPath, [...heap, join(packages, `${name}.mjs`), JSON.stringify(settings)], {
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Ended already.
    }
  };
  process.once('exit', end);
  run.signal.addEventListener('abort', end, { once: true });
  const limit = concurrencies.length * (seconds + warmUpSeconds) * 1_000 + SLACK_MS;
  const timer = setTimeout(end, limit);
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said = `${said}${piece.toString()}`.slice(-2_000);
  });
  const used = (): number =>
    processesOf({ servers, roles: { [name]: child.pid ?? 0 } }).reduce(
      (sum, each) => sum + each.cpuSeconds,
      0,
    );
  const found = new Map<number, AgentThroughput>();
  let before = 0;
  createInterface({ input: child.stdout }).on('line', (text) => {
    // What a library says of itself is not for us.
    if (!text.startsWith('{"measur')) return;
    const line = JSON.parse(text) as Line;
    if ('measuring' in line) before = used();
    else {
      found.set(line.measured, throughputOf(line.executions, line.seconds, used() - before));
      child.stdin.write('\n');
    }
  });
  try {
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    if (code !== 0 || found.size < concurrencies.length)
      throw new Error(`${name} ended with ${code ?? 'a signal'}: ${said.trim()}`);
    return found;
  } finally {
    clearTimeout(timer);
    process.removeListener('exit', end);
    end();
    rmSync(folder, { recursive: true, force: true });
  }
};

export const throughputOf = (executions: number, seconds: number, cpuSeconds: number): AgentThroughput => ({
  executionsPerSecond: executions / seconds,
  stepsPerSecond: (executions * STEPS_OF_AN_EXECUTION) / seconds,
  cpuMsPerStep: (cpuSeconds * 1_000) / (executions * STEPS_OF_AN_EXECUTION),
});
