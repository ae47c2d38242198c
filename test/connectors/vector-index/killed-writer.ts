/** Runs a script that writes and prints what was acknowledged, one line each, and kills it with SIGKILL under way. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { RUN_TYPESCRIPT } from '../../../connectors/typescript/run-typescript.ts';

/** Kills `delay` milliseconds after the first line; the lines that came whole. */
export const linesUntilKilled = async (
  script: URL,
  scriptArguments: readonly string[],
  delay: number,
): Promise<readonly string[]> => {
  const child = spawn(process.execPath, [...RUN_TYPESCRIPT, script.pathname, ...scriptArguments], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (lines.length === 0) setTimeout(() => child.kill('SIGKILL'), delay);
    lines.push(line);
  }
  const how = await ended;
  if (how !== 'SIGKILL') throw new Error(`the writer ended by itself: ${how}`);
  return lines;
};
