/** `freshet task cancel|approve`: what people ask of a task while it runs. */
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { createOutput, oneLine, table } from '../output.ts';
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
          oneLine(JSON.stringify(each.arguments) ?? '', 400),
        ]),
      );

export const addTaskSignals = (task: Command, surroundings: Surroundings): void => {
  task
    .command('cancel <taskId>')
    .description('stop it before its next step')
    .option('--reason <why>', 'why, audited')
    .option('--json', 'JSON')
    .action(async (taskId: string, { reason, json }: { reason?: string; json?: boolean }) => {
      const asked = await gatewayOf(surroundings).post<{ readonly taskId: string; readonly state: string }>(
        `/v1/tasks/${encodeURIComponent(taskId)}/cancel`,
        reason === undefined ? {} : { reason },
      );
      createOutput(json ?? false).print(asked, ({ state }) => `asked to stop; it was ${state}`);
    });
  task
    .command('approve <taskId>')
    .description(
      'let a task take the action that it waits to take, with the arguments shown; without --step, show them',
    )
    .option('--step <n>', 'which one')
    .option('--deny', 'do not let it')
    .option('--reason <why>', 'why, audited')
    .option('--yes', 'without being shown the arguments first')
    .option('--json', 'JSON')
    .action(
      async (
        taskId: string,
        options: { step?: string; deny?: boolean; reason?: string; yes?: boolean; json?: boolean },
      ) => {
        const output = createOutput(options.json ?? false);
        const gateway = gatewayOf(surroundings);
        const path = `/v1/tasks/${encodeURIComponent(taskId)}`;
        const { approvals } = await gateway.get<{ readonly approvals: readonly Approval[] }>(
          `${path}/approvals`,
        );
        if (options.step === undefined) return output.print(approvals, described);
        const step = wholeNumber(options.step);
        const asked = approvals.find((each) => each.step === step && each.state === 'waiting');
        if (!asked)
          throw new FreshetError('not-found', `step ${step} of ${taskId} does not wait for approval`);
        output.talk(`${asked.tool} ${oneLine(JSON.stringify(asked.arguments) ?? '', 2_000)}`);
        const decision = options.deny ? 'deny' : 'approve';
        if (!options.yes && decision === 'approve')
          throw new FreshetError('usage', 'say --yes to approve these very arguments');
        const decided = await gateway.post<{ readonly decision: string }>(`${path}/approve`, {
          step,
          argumentsHash: asked.argumentsHash,
          decision,
          ...(options.reason === undefined ? {} : { reason: options.reason }),
        });
        output.print(decided, () => (decision === 'approve' ? 'approved' : 'denied'));
      },
    );
};
