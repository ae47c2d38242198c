/** `freshet quarantine list|show|release|redrive|drop`: documents that a gate refused, and what becomes of them. */
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { asked, type Consent, requireYes, withConsent } from '../consent.ts';
import { createOutput, oneLine, table } from '../output.ts';
import { type ShownSpan, spanShown } from '../span-shown.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Item {
  readonly documentId: string;
  readonly source: string;
  readonly table: string;
  readonly tenant: string | null;
  readonly version: string;
  readonly gate: string;
  readonly reason: string;
  readonly detail: string;
  readonly change: { readonly topic: string; readonly partition: number; readonly offset: number };
  readonly finding: ShownSpan | null;
  readonly keptVersion: string | null;
  readonly at: string | null;
}

interface Quarantine {
  readonly held: number;
  readonly beyond: number;
  readonly groups: readonly { readonly name: string; readonly count: number }[];
  readonly items: readonly Item[];
}

interface Decided {
  readonly decided: readonly string[];
  readonly left: readonly { readonly documentId: string; readonly why: string }[];
  readonly next: { readonly from: number; readonly before: number } | null;
}

interface Filter {
  readonly gate?: string;
  readonly match?: string;
  readonly source?: string;
  readonly table?: string;
  readonly tenant?: string;
}

const VERBS = {
  release: { says: 'lets this very content pass: what its gates saw flags it from now on', done: 'released' },
  redrive: { says: 'lets the gates judge it again, as they are configured now', done: 'redriven' },
  drop: { says: 'gives it up: what was kept of before goes too', done: 'dropped' },
} as const;
type Verb = keyof typeof VERBS;

const withFilter = (command: Command): Command =>
  command
    .option('--gate <gate>', 'refused by this gate')
    .option('--match <reason>', 'refused for this reason')
    .option('--source <source>', 'of this source')
    .option('--table <schema.table>', 'of this table')
    .option('--tenant <tenant>', 'of this tenant');

const filterOf = ({ gate, match, source, table: name, tenant }: Filter) => ({
  ...(gate === undefined ? {} : { gate }),
  ...(match === undefined ? {} : { reason: match }),
  ...(source === undefined ? {} : { source }),
  ...(name === undefined ? {} : { table: name }),
  ...(tenant === undefined ? {} : { tenant }),
});

const show = (item: Item): string =>
  [
    `${item.documentId}  ${item.gate}: ${item.reason}  ${item.at ?? ''}`,
    item.detail,
    ...(item.finding ? ['', ...spanShown(item.finding, process.stdout.isTTY === true)] : []),
    '',
    `tenant   ${item.tenant ?? 'none'}`,
    `version  ${item.version}`,
    `change   ${item.change.topic}:${item.change.partition}:${item.change.offset}`,
    `kept     ${item.keptVersion === null ? 'nothing: it is not found by a search' : `version ${item.keptVersion} stays searchable, marked stale`}`,
  ].join('\n');

export const addQuarantineCommands = (freshet: Command, surroundings: Surroundings): void => {
  const noun = freshet.command('quarantine').description('documents that a gate refused');
  withFilter(noun.command('list'))
    .description('newest first, counted by gate and reason')
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'JSON')
    .action(async ({ limit, json, ...filter }: Filter & { limit: string; json?: boolean }) => {
      const query = { limit, ...filterOf(filter) };
      const refused = await gatewayOf(surroundings).get<Quarantine>('/v1/quarantine', query);
      createOutput(json ?? false).print(refused, ({ groups, items, beyond }) =>
        [
          groups.map(({ name, count }) => `${count} ${name}`).join(', ') || 'none',
          ...(beyond > 0
            ? [
                `and ${beyond} older ones that are not listed: release, redrive and drop by a filter reach them too`,
              ]
            : []),
          ...(items.length === 0
            ? []
            : [
                '',
                table(
                  ['document', 'gate', 'reason', 'at', 'kept', 'detail'],
                  items.map((each) => [
                    each.documentId,
                    each.gate,
                    each.reason,
                    each.at ?? '–',
                    each.keptVersion === null ? '' : 'stale',
                    oneLine(each.detail, 80),
                  ]),
                ),
              ]),
        ].join('\n'),
      );
    });
  noun
    .command('show <document>')
    .description('one document with the span that failed, secrets taken out')
    .option('--json', 'JSON')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const item = await gatewayOf(surroundings).get<Item>('/v1/quarantine/document', { id });
      createOutput(json ?? false).print(item, show);
    });
  for (const verb of Object.keys(VERBS) as Verb[]) {
    withConsent(withFilter(noun.command(`${verb} [documents...]`)), {
      yes: 'required where no document is named',
    })
      .description(VERBS[verb].says)
      .action(async (documentIds: string[], options: Filter & Consent) => {
        const { dryRun = false } = options;
        const filter = filterOf(options);
        const named = documentIds.length > 0;
        if (!named && Object.keys(filter).length === 0)
          throw new FreshetError(
            'usage',
            'name documents, or say which by --gate, --match, --source, --table',
          );
        if (!named) requireYes(`${verb} all that match`, options, '--dry-run to see which');
        const gateway = gatewayOf(surroundings);
        const decided: string[] = [];
        const left: Decided['left'][number][] = [];
        for (let next: Decided['next'] | undefined; next !== null; ) {
          const done: Decided = await gateway.post<Decided>('/v1/quarantine/decisions', {
            action: verb,
            ...(named ? { documentIds } : { filter }),
            ...(next ? { next } : {}),
            ...asked(options),
          });
          decided.push(...done.decided);
          left.push(...done.left);
          next = done.next;
        }
        createOutput(options.json ?? false).print({ action: verb, dryRun, decided, left }, () =>
          [
            ...decided.map((id) => `${dryRun ? `would ${verb}` : VERBS[verb].done}  ${id}`),
            ...left.map(({ documentId, why }) => `left  ${documentId}  ${why}`),
            ...(decided.length + left.length === 0 ? ['nothing matches'] : []),
          ].join('\n'),
        );
      });
  }
};
