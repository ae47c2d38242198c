/** `freshet up`: everything on one machine, until Ctrl-C; with --check, a proof of the main job and an exit code. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { loadConfig } from '../load-config.ts';
import { portNumber } from '../port-number.ts';
import { createProgress, type Progress } from '../progress.ts';
import { findRun, unlessAnother } from '../run-file.ts';
import { hasSample } from '../start/prepare-sources.ts';
import { startSampleActivity } from '../start/sample-activity.ts';
import { untilSampleIndexed } from '../start/sample-indexed.ts';
import { type RunningFreshet, startEverything } from '../start/start-everything.ts';
import { SERVER_PLACES, type ServerPlace } from '../start/start-servers.ts';
import { tellIndexed } from '../start/tell-indexed.ts';
import { wholeNumber } from '../whole-number.ts';
import type { Surroundings } from './surroundings.ts';

interface UpOptions {
  readonly rows: string;
  readonly rate: string;
  readonly check?: boolean;
  readonly ports: string;
  readonly servers: ServerPlace;
  readonly docker?: boolean;
  readonly port?: string;
  readonly config: string;
  readonly json?: boolean;
}

const positive = (text: string, option: string): number => {
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0) return number;
  throw new FreshetError('usage', `${option} takes a number from 0, not ${text}`);
};

export const addUpCommand = (freshet: Command, { root, environment }: Surroundings): void => {
  freshet
    .command('up')
    .description('start the servers, the four roles and the sample source; Ctrl-C stops all of it')
    .option('--rows <n>', 'rows of the sample source', '500')
    .option('--rate <n>', 'changes a second that the sample editor makes; 0 for none', '2')
    .option('--check', 'prove the main job end to end, then stop; exit 0 or 1')
    .option('--ports <fixed|free>', 'the usual ports, or free ones beside another Freshet', 'fixed')
    .option('--port <port>', "the gateway's port")
    .addOption(
      new Option('--servers <place>', 'run here, in containers, or running already at the usual ports')
        .choices([...SERVER_PLACES])
        .default('native'),
    )
    .option('--docker', 'the same as --servers docker: the servers of docker-compose.yml')
    .option('--config <file>', 'what to index and which agents run', 'freshet.config.ts')
    .option('--json', 'with --check: the summary as JSON on stdout')
    .action(async (options: UpOptions) => {
      // Whoever scripts the check asks one thing: did it hold (0) or not (1), for whatever reason.
      if (options.check) process.exitCode = 1;
      await up(root, environment, options);
      if (options.check) process.exitCode = 0;
    });
};

const up = async (root: string, environment: NodeJS.ProcessEnv, options: UpOptions): Promise<void> => {
  const progress = createProgress();
  const already = findRun(root);
  if (already)
    throw new FreshetError(
      'already-running',
      `Freshet runs here already (process ${already.pid}, ${already.gateway}); stop it with Ctrl-C in its terminal, or start this one in another folder${unlessAnother(root, already)}`,
    );
  if (options.ports !== 'fixed' && options.ports !== 'free')
    throw new FreshetError('usage', '--ports takes fixed or free');
  const servers = options.docker ? 'docker' : options.servers;
  if (servers !== 'native' && options.ports === 'free')
    throw new FreshetError('usage', '--ports free is for native servers: those of containers are fixed');
  const sampleRows = wholeNumber(options.rows, '--rows');
  const rate = positive(options.rate, '--rate');
  const gatewayPort = options.port === undefined ? undefined : portNumber(options.port);
  const configFile = resolve(root, options.config);
  const config = await loadConfig(configFile);
  // It writes rows of its own: not into anybody's database.
  if (options.check && !hasSample(config))
    throw new FreshetError(
      'usage',
      'the check works on the sample source; run it with a configuration that has url: sample',
    );

  const ended = new AbortController();
  let failure: FreshetError | undefined;
  const end = (): void => {
    if (ended.signal.aborted) process.stderr.write('  still stopping: what was started is ended in order\n');
    ended.abort();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);

  const freshet = await startEverything({
    root,
    cacheDirectory: cacheDirectoryOf(environment),
    configFile,
    config,
    environment,
    servers,
    freePorts: options.ports === 'free',
    ...(gatewayPort === undefined ? {} : { gatewayPort }),
    sampleRows,
    progress,
    signal: ended.signal,
    onFailure: (error) => {
      failure = error;
      ended.abort();
    },
  }).catch((thrown) => {
    if (failure) throw failure;
    throw ended.signal.aborted
      ? new FreshetError('not-running', 'stopped before it was ready')
      : toFreshetError(thrown);
  });
  try {
    progress.line('freshet', `ready: ${freshet.run.gateway}`);
    if (options.check) {
      const { check } = await import('../start/check.ts');
      await check({ freshet, config, json: options.json ?? false, progress, signal: ended.signal });
    } else {
      process.stderr.write(
        `\n  Dashboard   ${freshet.run.gateway}\n  Ask         npx freshet task submit ${config.agents[0]?.name ?? 'support'} "${freshet.sample ? 'How do I reset the hub?' : 'Your question'}" --watch\n  Stop        Ctrl-C\n\n`,
      );
      const activity = freshet.sample
        ? await sampleActivity(freshet, rate, progress, ended.signal)
        : undefined;
      if (!freshet.sample) await tellIndexed(freshet.run, progress, ended.signal);
      if (!ended.signal.aborted)
        await new Promise<void>((resolve) => ended.signal.addEventListener('abort', () => resolve()));
      await activity?.stop();
    }
  } finally {
    progress.line('freshet', 'stopping');
    await freshet.stop();
    progress.line('freshet', 'stopped');
  }
  if (failure) throw failure;
};

const sampleActivity = async (
  freshet: RunningFreshet,
  rate: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ stop(): Promise<void> } | undefined> => {
  const { seed, rows } = freshet.sample ?? { seed: 0, rows: 0 };
  try {
    progress.line('sample', `indexed: ${await untilSampleIndexed(freshet, progress, signal)}`);
  } catch (error) {
    if (signal.aborted) return undefined;
    progress.line('sample', toFreshetError(error).message);
  }
  if (rate > 0)
    progress.line(
      'sample',
      `an editor makes ${rate} changes a second, and a question is asked every few seconds`,
    );
  return startSampleActivity({ freshet, rate, seed, rows });
};
