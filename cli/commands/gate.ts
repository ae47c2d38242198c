/** `freshet gate test|dry-run`: tune gates before they act. */
import type { Command } from 'commander';
import { addGateDryRun } from './gate-dry-run.ts';
import { addGateTest } from './gate-test.ts';
import type { Surroundings } from './surroundings.ts';

export const addGateCommand = (freshet: Command, surroundings: Surroundings): void => {
  const gate = freshet
    .command('gate')
    .description('the checks that documents pass: tried on files and on past changes');
  addGateTest(gate, surroundings);
  addGateDryRun(gate, surroundings);
};
