/** Runs one noun of the `freshet` command in this process, in a folder where something runs, or nothing; gives what it printed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { vi } from 'vitest';
import type { Surroundings } from '../../cli/commands/surroundings.ts';
import { type RunFile, writeRunFile } from '../../cli/run-file.ts';
import { processIdentity } from '../../connectors/stack/process-identity.ts';

/** Throws what the command throws. */
export const runCommand = async (
  add: (freshet: Command, surroundings: Surroundings) => void,
  run: Partial<RunFile> | undefined,
  words: readonly string[],
  folder?: string,
): Promise<{ readonly stdout: string; readonly stderr: string }> => {
  const root = folder ?? mkdtempSync(join(tmpdir(), 'freshet-command-'));
  const { pid } = process;
  if (run) writeRunFile(root, { pid, identity: processIdentity(pid), ...run } as RunFile);
  const printed = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      printed[stream] += String(text);
      return true;
    }),
  );
  try {
    const freshet = new Command().exitOverride();
    add(freshet, { root, environment: {} });
    await freshet.parseAsync([...words], { from: 'user' });
    return printed;
  } finally {
    for (const spy of spies) spy.mockRestore();
    if (folder === undefined) rmSync(root, { recursive: true, force: true });
  }
};
