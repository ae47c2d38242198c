/** `freshet safety show`: what waits for a person, what was halted and refused and why, what is switched off, how breakers stand. */
import type { Command } from 'commander';
import type { SafetyView } from '../../gateway/views/safety-view.ts';
import { createOutput, oneLine, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

const WHY_WIDTH = 100;
const ARGUMENTS_WIDTH = 200;

/** A table under its title, with how many of `held` it leaves out, or in one line that there is nothing. */
const part = (
  title: string,
  nothing: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  held = rows.length,
): readonly string[] =>
  rows.length === 0
    ? [nothing, '']
    : [
        title,
        table(header, rows),
        ...(held > rows.length ? [`${held - rows.length} more of ${held}; --limit shows them`] : []),
        '',
      ];

const described = ({
  approvals,
  approvalsHeld,
  halts,
  refusals,
  kills,
  breakers,
  breakersKnown,
}: SafetyView): string => {
  const troubled = breakers.filter(({ state, failures }) => state !== 'closed' || (failures ?? 0) > 0);
  return [
    ...part(
      'Waiting for a person (freshet task approve <task> --step <n>)',
      'Nothing waits for a person.',
      ['task', 'step', 'agent', 'tenant', 'until', 'tool', 'arguments'],
      approvals.map((each) => [
        each.taskId,
        String(each.step),
        each.agent,
        each.tenant ?? '–',
        each.deadline ?? '–',
        each.tool,
        oneLine(JSON.stringify(each.arguments) ?? '', ARGUMENTS_WIDTH),
      ]),
      approvalsHeld,
    ),
    ...part(
      'Switched off (freshet agent revive)',
      'No agent is switched off.',
      ['agent', 'tenant', 'by', 'at', 'reason'],
      kills.map((each) => [
        each.agent ?? 'every agent',
        each.tenant ?? 'all tenants',
        each.by,
        each.at ?? '–',
        each.reason ?? '',
      ]),
    ),
    ...part(
      'Breakers',
      breakersKnown ? 'Every breaker is closed.' : 'Redis does not answer: how breakers stand is not known.',
      ['kind', 'name', 'state', 'failures', 'tried again'],
      troubled.map(({ kind, name, state, failures, until }) => [
        kind,
        name,
        state,
        failures === null ? '–' : String(failures),
        until ?? '–',
      ]),
    ),
    ...part(
      `Halted: ${halts.groups.map(({ name, count }) => `${name} ${count}`).join(', ')}`,
      'Nothing was halted of late.',
      ['at', 'execution', 'agent', 'step', 'code', 'reason'],
      halts.items.map((each) => [
        each.at ?? '–',
        each.executionId,
        each.agent,
        String(each.step),
        each.code,
        oneLine(each.reason, WHY_WIDTH),
      ]),
      halts.held,
    ),
    ...part(
      'Refused',
      'Nothing was refused of late.',
      ['last', 'by', 'what', 'agent', 'tenant', 'times', 'reason'],
      refusals.items.map((each) => [
        each.lastAt ?? '–',
        each.by,
        `${each.name ?? 'task'} (${each.code})`,
        each.agent,
        each.tenant ?? '–',
        String(each.count),
        oneLine(each.reason, WHY_WIDTH),
      ]),
      refusals.held,
    ),
  ]
    .join('\n')
    .trimEnd();
};

export const addSafetyCommands = (freshet: Command, surroundings: Surroundings): void => {
  freshet
    .command('safety')
    .description('what holds agents in hand')
    .command('show')
    .description('what waits for a person, what was halted and refused, switches, breakers')
    .option('--agent <agent>', 'of this agent alone')
    .option('--tenant <tenant>', 'of this tenant alone')
    .option('--limit <n>', 'of halts, refusals and approvals, each', '20')
    .option('--json', 'JSON')
    .action(async (options: { agent?: string; tenant?: string; limit: string; json?: boolean }) => {
      const { agent, tenant, limit, json } = options;
      const found = await gatewayOf(surroundings).get<SafetyView>('/v1/safety', { agent, tenant, limit });
      createOutput(json ?? false).print(found, described);
    });
};
