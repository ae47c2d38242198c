import { spawn } from 'node:child_process';
import { FreshetError } from '../../schemas/errors.ts';
import { findInPath, findJava, findMariaDb, findRedis, type Java, type Redis } from './find-commands.ts';
import { type InstallPlan, type PackageSystem, type Prerequisite, planInstall } from './package-install.ts';
import type { Environment, OnStackEvent } from './stack-event.ts';

export type Prerequisites = {
  readonly java: Java | undefined;
  readonly maven: string | undefined;
  readonly redis: Redis | undefined;
  /** The full path of mariadbd. */
  readonly mariadb: string | undefined;
};

export type PrerequisiteOptions = {
  readonly environment: Environment;
  readonly needed: readonly Prerequisite[];
  readonly onProgress: OnStackEvent;
};

/**
 * Finds the programs that are needed, and installs what is missing through the system's package tool where this process
 * may: as root, by `sudo` without a password, or by Homebrew.
 * @throws FreshetError `prerequisite-missing` with the one command that installs the rest
 */
export const ensurePrerequisites = async (options: PrerequisiteOptions): Promise<Prerequisites> => {
  const started = performance.now();
  const found = await find(options);
  const missing = options.needed.filter((name) => found[name] === undefined);
  if (missing.length === 0) return found;
  const system = (['apt-get', 'dnf', 'brew'] as const).find((name) => findInPath(name, options.environment));
  const names = missing.map((name) => (name === 'java' ? 'Java 17 or newer' : name)).join(', ');
  if (system === undefined) {
    throw new FreshetError('prerequisite-missing', `Missing: ${names}. Install them and start again.`);
  }

  const privileged = process.getuid?.() === 0;
  const maySudo = system === 'brew' || privileged || (await succeeds(['sudo', '-n', 'true'], options));
  const planned = await plan(system, missing, privileged, options.environment);
  if (!maySudo) throw missingError(names, planned);
  const progress = (detail: string): void =>
    options.onProgress({ part: 'prerequisites', state: 'installing', ms: sinceMs(started), detail });
  progress(planned.line);
  if (planned.refresh !== undefined) await succeeds(planned.refresh, options);
  // Once more: which Java there is, is known for sure once the package lists are fresh.
  const fresh = await plan(system, missing, privileged, options.environment);
  progress(fresh.line);
  await succeeds(fresh.install, options);
  const now = await find(options);
  if (options.needed.some((name) => now[name] === undefined)) throw missingError(names, fresh);
  options.onProgress({ part: 'prerequisites', state: 'ready', ms: sinceMs(started) });
  return now;
};

const sinceMs = (started: number): number => Math.round(performance.now() - started);

const missingError = (names: string, plan: InstallPlan): FreshetError =>
  new FreshetError('prerequisite-missing', `Missing: ${names}. Install with: ${plan.line}`);

const plan = async (
  system: PackageSystem,
  missing: readonly Prerequisite[],
  privileged: boolean,
  environment: Environment,
): Promise<InstallPlan> => {
  const javaPackage = missing.includes('java') ? await javaPackageOf(system, environment) : undefined;
  return planInstall(system, missing, { privileged, ...(javaPackage ? { javaPackage } : {}) });
};

const find = async ({ environment, needed }: PrerequisiteOptions): Promise<Prerequisites> => {
  const [java, redis] = await Promise.all([
    needed.includes('java') ? findJava(environment) : undefined,
    needed.includes('redis') ? findRedis(environment) : undefined,
  ]);
  return { java, redis, maven: findInPath('mvn', environment), mariadb: findMariaDb(environment) };
};

/** Not every release of Debian and Ubuntu has Java 17. */
const javaPackageOf = async (
  system: PackageSystem,
  environment: Environment,
): Promise<string | undefined> => {
  if (system !== 'apt-get') return undefined;
  for (const name of ['openjdk-17-jre-headless', 'openjdk-21-jre-headless', 'openjdk-25-jre-headless']) {
    if (await succeeds(['apt-cache', 'show', '--quiet', name], { environment })) return name;
  }
  return 'default-jre-headless';
};

const succeeds = (
  words: readonly string[],
  { environment }: { readonly environment: Environment },
): Promise<boolean> =>
  new Promise((resolve) => {
    const [command, ...rest] = words;
    const child = spawn(command ?? '', rest, { env: { ...environment }, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
