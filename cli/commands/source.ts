/** `freshet source list|status|snapshot|pause|resume`: where changes come from, and what can be asked of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { asked, type Consent, withConsent } from '../consent.ts';
import { createOutput, duration, size, table } from '../output.ts';
import { progressOf, SOURCE_VERBS, type SourceReport, type SourceVerb, showsDone } from './source-report.ts';
import { givenUp, type SourceWait, waitAfter } from './source-wait.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

const ASK_EVERY_MS = 500;
/** Between two lines of how far it is, where nothing else changes. */
const TOLD_EVERY_MS = 10_000;

const sizeOf = (bytes: number | null): string => (bytes === null ? '–' : size(bytes));

interface VerbOptions extends Consent {
  readonly tables?: string;
  readonly wait: boolean;
}

interface Answer {
  readonly tables: readonly string[] | null;
  /** False in a dry run. */
  readonly asked: boolean;
}

export const addSourceCommand = (freshet: Command, surroundings: Surroundings): void => {
  const source = freshet.command('source').description('the databases that changes come from');
  const reports = async (): Promise<readonly SourceReport[]> =>
    (await gatewayOf(surroundings).get<{ readonly sources: readonly SourceReport[] }>('/v1/sources')).sources;

  source
    .command('list')
    .description('sources and their tables')
    .option('--json', 'JSON')
    .action(async (options: { json?: boolean }) => {
      const sources = (await reports()).map(({ source: name, kind, tables }) => ({
        name,
        kind,
        tables: tables.map((each) => each.table),
      }));
      createOutput(options.json ?? false).print(sources, (all) =>
        table(
          ['source', 'kind', 'tables'],
          all.map((each) => [each.name, each.kind, each.tables.join(', ')]),
        ),
      );
    });

  source
    .command('status')
    .description('state, connector, kept log, lag and tables of each source')
    .option('--json', 'JSON')
    .action(async (options: { json?: boolean }) => {
      createOutput(options.json ?? false).print(await reports(), (all) =>
        [
          table(
            ['source', 'state', 'epoch', 'connector', 'log kept', 'behind', 'reason'],
            all.map((each) => [
              each.source,
              each.state,
              String(each.epoch ?? '–'),
              each.connector,
              sizeOf(each.retainedWalBytes),
              each.lag ? `${each.lag.records} records, ${duration(each.lag.seconds * 1_000)}` : '–',
              each.reason ?? '',
            ]),
          ),
          '',
          table(
            ['source', 'table', 'state', 'reason'],
            all.flatMap((each) =>
              each.tables.map((one) => [each.source, one.table, one.state, one.reason ?? '']),
            ),
          ),
        ].join('\n'),
      );
    });

  for (const verb of Object.keys(SOURCE_VERBS) as SourceVerb[]) {
    withConsent(source.command(`${verb} <source>`))
      .description(SOURCE_VERBS[verb])
      .option(
        '--tables <tables>',
        verb === 'snapshot'
          ? 'comma-separated; all where left out'
          : 'comma-separated; the whole source where left out',
      )
      .option('--no-wait', 'return once it is asked for')
      .action(async (name: string, options: VerbOptions) => {
        const output = createOutput(options.json ?? false);
        const standing = async () => (await reports()).find((each) => each.source === name);
        const before = await standing();
        const answer = await gatewayOf(surroundings).post<Answer>(
          `/v1/sources/${encodeURIComponent(name)}/${verb}`,
          {
            ...(options.tables ? { tables: options.tables.split(',').map((each) => each.trim()) } : {}),
            ...asked(options),
          },
        );
        const tables = answer.tables ?? undefined;
        if (!answer.asked)
          return output.print(answer, () => `would ask: ${verb} ${tables?.join(', ') ?? name}`);
        if (!options.wait) return output.print(answer, () => 'asked for');
        let waited: SourceWait | undefined;
        for (let told = { text: '', at: 0 }; ; ) {
          const now = await standing();
          const at = performance.now();
          const text = now ? progressOf(now, tables) : '';
          if (text !== told.text || at - told.at > TOLD_EVERY_MS) {
            output.talk(now?.lag ? `${text}, ${now.lag.records} records behind` : text);
            told = { text, at };
          }
          if (now && showsDone(verb, tables, before, now)) return output.print(now, () => text);
          waited = waitAfter(waited, now, at);
          const why = givenUp(waited, at);
          if (why)
            throw new FreshetError(
              'unavailable',
              `${verb} of ${name} was asked for and is not done yet, and ${why}; run: freshet source status`,
            );
          await sleep(ASK_EVERY_MS);
        }
      });
  }
};
