import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const finished = (command: string, options: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, options, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${options.join(' ')} ended with ${code}`)),
    );
  });

/** The interpreter of a virtual environment with just these requirements; made on first use, some minutes for a large peer. */
export const pythonEnvironment = async (
  name: string,
  requirementsFile: string,
  cacheDirectory: string,
  tell: (line: string) => void,
): Promise<string> => {
  const requirements = readFileSync(requirementsFile);
  const hash = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
  const folder = join(cacheDirectory, `peer-${name}-${hash}`);
  const python = join(folder, 'bin', 'python');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return python;
  tell(`${name}: installing its packages into ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  await mkdir(cacheDirectory, { recursive: true });
  await finished('python3', ['-m', 'venv', folder]);
  await finished(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirementsFile]);
  writeFileSync(complete, '');
  return python;
};
