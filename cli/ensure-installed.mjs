// Installs the packages of package-lock.json when they are missing or older than it. Plain JavaScript, no packages:
// this is the first thing that runs on a fresh machine.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `freshet: prerequisite-missing: Node ${process.versions.node} is too old; install Node 20.19 or newer.`,
  );
  process.exit(1);
}

const installed = `${root}node_modules/.package-lock.json`;
const isCurrent = () =>
  existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs;

/** Runs `npm install` where needed; exits with one clear line when it fails. */
export const ensureInstalled = () => {
  if (isCurrent()) return;
  console.error('  packages     installing from package-lock.json (a minute the first time)');
  const begun = Date.now();
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Not `npm ci`: it refuses a lock that names no binaries for platforms whose packages a registry does not carry.
  // This takes every version that the lock names, and leaves the lock as it is.
  const result = spawnSync(npm, ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    // The ONNX library for this processor is in its package; its install script would fetch one for graphics cards.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  if (result.status !== 0) {
    console.error(
      'freshet: install-failed: npm install did not succeed; run it in this folder to see why, then try again.',
    );
    process.exit(1);
  }
  console.error(`  packages     installed in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureInstalled();
