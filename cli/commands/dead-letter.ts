/** `freshet dead-letter list` and `freshet quarantine list`: what could not be processed, and what a gate refused. */
import type { Command } from 'commander';
import { createOutput, oneLine, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

interface Grouped<Item> {
  readonly groups: readonly { readonly name: string; readonly count: number }[];
  readonly items: readonly Item[];
}

const placeOf = ({ topic, partition, offset }: Place): string => `${topic}:${partition}:${offset}`;
const summary = (groups: Grouped<unknown>['groups']): string =>
  groups.map(({ name, count }) => `${count} ${name}`).join(', ') || 'none';

export const addDeadLetterCommands = (freshet: Command, surroundings: Surroundings): void => {
  freshet
    .command('dead-letter')
    .description('records that could not be processed')
    .command('list')
    .description('newest first, counted by reason')
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'JSON')
    .action(async (options: { limit: string; json?: boolean }) => {
      const letters = await gatewayOf(surroundings).get<
        Grouped<{ origin: Place; stage: string; reason: string; message: string; at: string | null }>
      >('/v1/dead-letters', { limit: options.limit });
      createOutput(options.json ?? false).print(letters, ({ groups, items }) =>
        [
          summary(groups),
          ...(items.length > 0
            ? [
                '',
                table(
                  ['record', 'stage', 'reason', 'at', 'message'],
                  items.map((each) => [
                    placeOf(each.origin),
                    each.stage,
                    each.reason,
                    each.at ?? '–',
                    oneLine(each.message, 80),
                  ]),
                ),
              ]
            : []),
        ].join('\n'),
      );
    });
  freshet
    .command('quarantine')
    .description('documents that a gate refused')
    .command('list')
    .description('newest first, counted by gate and reason')
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'JSON')
    .action(async (options: { limit: string; json?: boolean }) => {
      const refused = await gatewayOf(surroundings).get<
        Grouped<{
          documentId: string;
          gate: string;
          reason: string;
          detail: string;
          change: Place;
          at: string | null;
        }>
      >('/v1/quarantine', { limit: options.limit });
      createOutput(options.json ?? false).print(refused, ({ groups, items }) =>
        [
          summary(groups),
          ...(items.length > 0
            ? [
                '',
                table(
                  ['document', 'gate', 'reason', 'change', 'detail'],
                  items.map((each) => [
                    each.documentId,
                    each.gate,
                    each.reason,
                    placeOf(each.change),
                    oneLine(each.detail, 80),
                  ]),
                ),
              ]
            : []),
        ].join('\n'),
      );
    });
};
