/** What may be missing on a machine. */
export type Prerequisite = 'java' | 'maven' | 'redis' | 'mariadb';

export type PackageSystem = 'apt-get' | 'dnf' | 'brew';

/** The commands that install, and the same as one line for a person. `refresh` fetches the package lists first. */
export type InstallPlan = {
  readonly refresh?: readonly string[];
  readonly install: readonly string[];
  readonly line: string;
};

const PACKAGES: Readonly<Record<PackageSystem, Readonly<Record<Prerequisite, string>>>> = {
  // redis-tools and mariadb-server-core: the same binaries as in redis-server and mariadb-server, without a service that starts by itself.
  'apt-get': {
    java: 'openjdk-17-jre-headless',
    maven: 'maven',
    redis: 'redis-tools',
    mariadb: 'mariadb-server-core',
  },
  dnf: { java: 'java-17-openjdk-headless', maven: 'maven', redis: 'redis', mariadb: 'mariadb-server' },
  brew: { java: 'openjdk@17', maven: 'maven', redis: 'redis', mariadb: 'mariadb' },
};

/** How a system's package tool installs what is missing. `privileged`: the process is root. Pure. */
export const planInstall = (
  system: PackageSystem,
  missing: readonly Prerequisite[],
  options: { readonly privileged: boolean; readonly javaPackage?: string },
): InstallPlan => {
  const packages = missing.map((name) =>
    name === 'java' ? (options.javaPackage ?? PACKAGES[system].java) : PACKAGES[system][name],
  );
  const words = packages.join(' ');
  const sudo = options.privileged ? [] : ['sudo', '-n'];
  const shown = options.privileged ? '' : 'sudo ';
  if (system === 'brew') return { install: ['brew', 'install', ...packages], line: `brew install ${words}` };
  if (system === 'dnf') {
    return {
      install: [...sudo, 'dnf', 'install', '-y', ...packages],
      line: `${shown}dnf install -y ${words}`,
    };
  }
  // `env`, because sudo doesn't hand variables on.
  const quiet = [
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    'install',
    '-y',
    '-q',
    '--no-install-recommends',
  ];
  return {
    refresh: [...sudo, 'apt-get', 'update', '-q'],
    install: [...sudo, ...quiet, ...packages],
    line: `${shown}apt-get update && ${shown}apt-get install -y --no-install-recommends ${words}`,
  };
};
