/** `freshet audit list`: who changed what, and why. */
import type { Command } from 'commander';
import type { AuditView } from '../../gateway/routes/audit-routes.ts';
import { createOutput, oneLine, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

const TARGETS_WIDTH = 80;
const WHY_WIDTH = 100;

interface ListOptions {
  readonly since?: string;
  readonly action?: string;
  readonly target?: string;
  readonly tenant?: string;
  readonly limit: string;
  readonly json?: boolean;
}

const described = ({ held, items }: AuditView): string =>
  items.length === 0
    ? 'Nothing of the kind was changed, as far as is known.'
    : [
        table(
          ['at', 'by', 'action', 'what', 'targets', 'tenant', 'reason'],
          items.map(({ at, by, action, targets, count, tenant, reason }) => [
            at ?? '–',
            by,
            action,
            oneLine(targets.join(', '), TARGETS_WIDTH),
            String(count),
            tenant ?? '–',
            oneLine(reason ?? '', WHY_WIDTH),
          ]),
        ),
        ...(held > items.length ? [`${held - items.length} more of ${held}; --limit shows them`] : []),
      ].join('\n');

export const addAuditCommands = (freshet: Command, surroundings: Surroundings): void => {
  freshet
    .command('audit')
    .description('who changed what, and why')
    .command('list')
    .description('the newest first, of the last 1,000 records of freshet.audit')
    .option('--since <24h|time>', 'from when on')
    .option('--action <action>', 'noun and verb, such as "task cancel", or the noun alone')
    .option('--target <target>', 'what it was done to, whole')
    .option('--tenant <tenant>', 'what was changed of this tenant alone')
    .option('--limit <n>', 'at most so many', '50')
    .option('--json', 'JSON')
    .action(async ({ json, ...asked }: ListOptions) =>
      createOutput(json ?? false).print(
        await gatewayOf(surroundings).get<AuditView>('/v1/audit', { ...asked }),
        described,
      ),
    );
};
