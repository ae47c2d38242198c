/** `freshet task cancel|approve|feedback`: what people ask of a task while it runs, and say of its answer. */
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { asked, type Consent, requireYes, withConsent } from '../consent.ts';
import { exactArguments } from '../exact-arguments.ts';
import { createOutput, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Approval {
  readonly step: number;
  readonly tool: string;
  readonly arguments: unknown;
  readonly argumentsHash: string;
  readonly deadline: string | null;
  readonly state: string;
}

const wholeNumber = (text: string): number => {
  if (!/^\d{1,6}$/.test(text)) throw new FreshetError('usage', `--step ${text} is no step number`);
  return Number(text);
};

const described = (approvals: readonly Approval[]): string =>
  approvals.length === 0
    ? 'nothing waits for approval'
    : table(
        ['step', 'tool', 'state', 'until', 'arguments'],
        approvals.map((each) => [
          String(each.step),
          each.tool,
          each.state,
          each.deadline ?? '–',
          exactArguments(each.arguments),
        ]),
      );

const scoreOf = (text: string): number => {
  const score = Number(text);
  if (!/^[\d.]+$/.test(text) || !(score >= 0 && score <= 1))
    throw new FreshetError('usage', `${text} is no score: from 0, useless, to 1, right`);
  return score;
};

export const addTaskSignals = (task: Command, surroundings: Surroundings): void => {
  withConsent(task.command('cancel <taskId>'))
    .description('stop it before its next step')
    .action(async (taskId: string, options: Consent) => {
      const done = await gatewayOf(surroundings).post<{ readonly state: string; readonly dryRun: boolean }>(
        `/v1/tasks/${encodeURIComponent(taskId)}/cancel`,
        asked(options),
      );
      createOutput(options.json ?? false).print(done, ({ state, dryRun }) =>
        dryRun ? `would ask it to stop; it is ${state}` : `asked to stop; it was ${state}`,
      );
    });
  withConsent(task.command('approve <taskId>'), { yes: 'required to approve, not to --deny' })
    .description(
      'let a task take the action that it waits to take, with the arguments shown; without --step, show them',
    )
    .option('--step <n>', 'which one')
    .option('--deny', 'do not let it')
    .action(async (taskId: string, options: Consent & { step?: string; deny?: boolean }) => {
      const output = createOutput(options.json ?? false);
      const gateway = gatewayOf(surroundings);
      const path = `/v1/tasks/${encodeURIComponent(taskId)}`;
      const { approvals } = await gateway.get<{ readonly approvals: readonly Approval[] }>(
        `${path}/approvals`,
      );
      if (options.step === undefined) return output.print(approvals, described);
      const step = wholeNumber(options.step);
      const waiting = approvals.find((each) => each.step === step && each.state === 'waiting');
      if (!waiting)
        throw new FreshetError('not-found', `step ${step} of ${taskId} does not wait for approval`);
      output.talk(`${waiting.tool} ${exactArguments(waiting.arguments)}`);
      const decision = options.deny ? 'deny' : 'approve';
      if (decision === 'approve') requireYes('approve these very arguments', options, '--deny');
      const decided = await gateway.post<{ readonly dryRun: boolean }>(`${path}/approve`, {
        step,
        argumentsHash: waiting.argumentsHash,
        decision,
        ...asked(options),
      });
      output.print(decided, ({ dryRun }) =>
        dryRun ? `would ${decision}` : decision === 'approve' ? 'approved' : 'denied',
      );
    });
  task
    .command('feedback <taskId> <score>')
    .description('what you think of its answer: 0 useless, 1 right; said again, the newest holds')
    .option('--comment <text>', 'why')
    .option('--json', 'JSON')
    .action(async (taskId: string, score: string, options: { comment?: string; json?: boolean }) => {
      const given = await gatewayOf(surroundings).post<{ readonly score: number; readonly by: string }>(
        `/v1/tasks/${encodeURIComponent(taskId)}/feedback`,
        { score: scoreOf(score), ...(options.comment ? { comment: options.comment } : {}) },
      );
      createOutput(options.json ?? false).print(given, (each) => `${each.score} by ${each.by}`);
    });
};
