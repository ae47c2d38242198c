/**
 * Workers in processes of their own, to be killed. Their program takes broker, registry, name and what else it is given, and says on
 * standard error when it is in its group.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { inject } from 'vitest';
import { RUN_TYPESCRIPT } from '../../connectors/typescript/run-typescript.ts';
import { AGENTS_GROUP } from '../../schemas/groups.ts';
import { forgetMembers } from '../support/group-members.ts';
import { eventually } from './agents-stack.ts';

export interface WorkerChildren {
  /** Resolves once it is in its group. `broker`: where it finds Kafka, such as a proxy before it. */
  start(name: string, broker?: string): Promise<ChildProcess>;
  /** Kills one that is alone in its group, and has the broker know: whoever comes next waits for no session. */
  kill(child: ChildProcess): Promise<void>;
  killAll(): void;
}

/** `program`: a path; `withinMs`: what a start may take; `given`: further arguments. */
export const workerChildren = (
  program: string,
  withinMs?: number,
  given: readonly string[] = [],
): WorkerChildren => {
  const children: ChildProcess[] = [];
  return {
    start: async (name, broker = inject('stack').kafka) => {
      const { schemaRegistry } = inject('stack');
      const child = spawn(
        process.execPath,
        [...RUN_TYPESCRIPT, program, broker, `${schemaRegistry}/apis/ccompat/v7`, name, ...given],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      children.push(child);
      let said = '';
      child.stderr.on('data', (piece: Buffer) => {
        said += piece.toString();
      });
      await eventually(
        `${name} in the group`,
        () => (said.includes('is in the group') ? true : undefined),
        withinMs,
      );
      return child;
    },
    kill: async (child) => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      await forgetMembers(inject('stack').kafka, AGENTS_GROUP);
    },
    killAll: () => {
      for (const child of children.splice(0)) child.kill('SIGKILL');
    },
  };
};
