/** `freshet dead-letter list|show|redrive`: what could not be processed, and taking it through again. */
import { type Command, Option } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { asked, type Consent, requireYes, withConsent } from '../consent.ts';
import { createOutput, oneLine, printable, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Letter {
  readonly place: string;
  readonly stage: string;
  readonly reason: string;
  readonly message: string;
  readonly key: string | null;
  readonly valueBytes: number;
  readonly at: string | null;
}

interface Letters {
  readonly held: number;
  readonly groups: readonly { readonly name: string; readonly count: number }[];
  readonly items: readonly (Letter & { readonly redriven: boolean })[];
}

interface Shown extends Letter {
  readonly inLog: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: { readonly text: string | null; readonly hex: string | null } | null;
}

interface Redriven {
  readonly dryRun: boolean;
  readonly redriven: readonly string[];
  readonly tasks: readonly { readonly place: string; readonly taskId: string }[];
  readonly left: readonly { readonly place: string; readonly why: string }[];
  readonly more: number;
}

const list = ({ groups, items }: Letters): string =>
  [
    groups.map(({ name, count }) => `${count} ${name}`).join(', ') || 'none',
    ...(items.length === 0
      ? []
      : [
          '',
          table(
            ['record', 'stage', 'reason', 'at', 'redriven', 'message'],
            items.map((each) => [
              each.place,
              each.stage,
              each.reason,
              each.at ?? '–',
              each.redriven ? 'yes' : '',
              oneLine(each.message, 80),
            ]),
          ),
        ]),
  ].join('\n');

const show = (letter: Shown): string =>
  [
    `${letter.place}  ${letter.stage}  ${letter.reason}  ${letter.at ?? ''}`,
    printable(letter.message),
    `key      ${letter.key === null ? 'none' : printable(letter.key)}`,
    ...Object.entries(letter.headers).map(
      ([name, value]) => `header   ${printable(name)}: ${printable(value)}`,
    ),
    letter.inLog ? `value    ${letter.valueBytes} bytes` : 'value    its topic keeps it no more',
    ...(letter.value ? [printable(letter.value.text ?? letter.value.hex ?? '')] : []),
  ].join('\n');

interface ListOptions {
  readonly limit: string;
  readonly topic?: string;
  readonly match?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

/** Of those named. */
const notYet = (places: readonly string[], redriven: Redriven['redriven'], left: Redriven['left']) => {
  const answered = new Set([...redriven, ...left.map(({ place }) => place)]);
  return [...new Set(places)].filter((place) => !answered.has(place));
};

export const addDeadLetterCommands = (freshet: Command, surroundings: Surroundings): void => {
  const noun = freshet.command('dead-letter').description('records that could not be processed');
  noun
    .command('list')
    .description('newest first, counted by reason')
    .option('--topic <topic>', 'of this topic only')
    .option('--match <reason>', 'of this reason only, such as not-avro')
    // Its name before: on what changes something, --reason is why.
    .addOption(new Option('--reason <reason>', 'the same as --match').hideHelp())
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'JSON')
    .action(async ({ json, limit, topic, match, reason = match }: ListOptions) => {
      const query = { limit, topic, reason };
      const letters = await gatewayOf(surroundings).get<Letters>('/v1/dead-letters', query);
      createOutput(json ?? false).print(letters, list);
    });
  noun
    .command('show <place>')
    .description('one record by its topic:partition:offset, credentials taken out')
    .option('--json', 'JSON')
    .action(async (place: string, { json }: { json?: boolean }) => {
      const letter = await gatewayOf(surroundings).get<Shown>('/v1/dead-letters/record', { place });
      createOutput(json ?? false).print(letter, show);
    });
  withConsent(noun.command('redrive [places...]'), { yes: 'required where no record is named' })
    .description('take records through again: those named, or with --topic or --match all that match')
    .option('--topic <topic>', 'all of this topic')
    .option('--match <reason>', 'all of this reason')
    .action(async (places: string[], options: Consent & { topic?: string; match?: string }) => {
      const { topic, match } = options;
      if (places.length === 0 && topic === undefined && match === undefined)
        throw new FreshetError('usage', 'name records, or give --topic or --match');
      if (places.length === 0) requireYes('redrive all that match', options, '--dry-run to see which');
      const done = await gatewayOf(surroundings).post<Redriven>('/v1/dead-letters/redrive', {
        ...(places.length > 0 ? { places } : { filter: { topic, reason: match } }),
        ...asked(options),
      });
      createOutput(options.json ?? false).print(done, ({ redriven, tasks, left, more, dryRun }) =>
        [
          ...redriven.map((place) => {
            const task = tasks.find((each) => each.place === place);
            return `${dryRun ? 'would redrive' : 'redriven'}  ${place}${task ? `  as ${oneLine(task.taskId, 100)}` : ''}`;
          }),
          ...left.map(({ place, why }) => `left  ${place}  ${why}`),
          ...(more > 0 && places.length === 0 ? [`${more} more match: run it again`] : []),
          ...notYet(places, redriven, left).map(
            (place) => `not yet  ${place}  too much at once: name it again`,
          ),
          ...(redriven.length + left.length === 0 ? ['nothing matches'] : []),
        ].join('\n'),
      );
    });
};
