/**
 * Vitest's global setup of the projects `servers` and `failure`: one stack on free ports in a folder of its own for the whole run,
 * however many of the two take part. Tests read its addresses with `inject('stack')`. A test that kills servers starts a stack of
 * its own (own-stack.ts).
 */
import type { TestProject } from 'vitest/node';
import type { StackAddresses } from '../../connectors/stack/stack-addresses.ts';
import { startTestStack, type TestStack } from './own-stack.ts';

export type SharedStack = Omit<StackAddresses, 'ports'>;

declare module 'vitest' {
  interface ProvidedContext {
    /** With the pid of each server. */
    stack: SharedStack & { readonly pids: Readonly<Record<string, number>> };
  }
}

const start = (): Promise<TestStack> =>
  startTestStack({
    onProgress: ({ part, state, ms, detail }) => {
      if (state === 'installing') process.stderr.write(`${part}: ${detail ?? ''}\n`);
      if (state === 'ready') process.stderr.write(`${part} ready after ${ms} ms\n`);
      if (state === 'died') process.stderr.write(`${part} died: ${detail ?? ''}\n`);
    },
  });

/** Each project loads this file anew, in one process. */
const SHARED = Symbol.for('freshet.test-stack');
const shared = globalThis as { [SHARED]?: { readonly starting: Promise<TestStack>; users: number } };

export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  shared[SHARED] ??= { starting: start(), users: 0 };
  const use = shared[SHARED];
  use.users += 1;
  const stack = await use.starting;
  const { kafka, schemaRegistry, connect, redis, postgres, modelDirectory } = stack;
  const pids = Object.fromEntries(stack.servers().map(({ name, pid }) => [name, pid]));
  project.provide('stack', { kafka, schemaRegistry, connect, redis, postgres, modelDirectory, pids });
  return async () => {
    use.users -= 1;
    if (use.users === 0) await stack.stop();
  };
};
