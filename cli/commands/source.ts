/** `freshet source list|status|snapshot|pause|resume`: where changes come from, and what can be asked of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { createOutput, duration, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface SourceReport {
  readonly source: string;
  readonly kind: string;
  readonly state: string;
  readonly reason: string | null;
  readonly epoch: number | null;
  readonly connector: string;
  readonly retainedWalBytes: number | null;
  readonly lag: { readonly records: number; readonly seconds: number } | null;
  readonly tables: readonly {
    readonly table: string;
    readonly state: string;
    readonly reason: string | null;
  }[];
}

const VERBS = {
  snapshot: 'reads tables again beside the changes, and removes what is gone',
  pause: 'stops a source, or makes tables skip their changes',
  resume: 'goes on; what tables skipped is read again',
} as const;
type Verb = keyof typeof VERBS;

const WITHIN_MS = 15 * 60_000;
const ASK_EVERY_MS = 500;

const sizeOf = (bytes: number | null): string => (bytes === null ? '–' : `${Math.round(bytes / 1024)} KiB`);

/** Whether what was asked for shows in the source's state. */
const isDone = (report: SourceReport, verb: Verb, tables: readonly string[] | undefined): boolean => {
  if (!tables) return verb === 'pause' ? report.state === 'paused' : report.state === 'streaming';
  const wanted = verb === 'pause' ? 'paused' : 'live';
  return tables.every((name) => report.tables.find((each) => each.table === name)?.state === wanted);
};

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

  for (const verb of Object.keys(VERBS) as Verb[]) {
    source
      .command(`${verb} <source>`)
      .description(VERBS[verb])
      .option(
        '--tables <tables>',
        verb === 'snapshot'
          ? 'comma-separated; all where left out'
          : 'comma-separated; the whole source where left out',
      )
      .option('--reason <reason>', 'kept with the command')
      .option('--no-wait', 'return once it is asked for')
      .option('--json', 'JSON')
      .action(
        async (
          name: string,
          options: { tables?: string; reason?: string; wait: boolean; json?: boolean },
        ) => {
          const output = createOutput(options.json ?? false);
          const asked = await gatewayOf(surroundings).post<{ readonly tables: readonly string[] | null }>(
            `/v1/sources/${encodeURIComponent(name)}/${verb}`,
            {
              ...(options.tables ? { tables: options.tables.split(',').map((each) => each.trim()) } : {}),
              ...(options.reason ? { reason: options.reason } : {}),
            },
          );
          if (!options.wait) return output.print(asked, () => 'asked for');
          const tables = asked.tables ?? undefined;
          let told = '';
          // A snapshot of a table that is live shows as live until it has begun.
          let begun = verb !== 'snapshot';
          const deadline = performance.now() + WITHIN_MS;
          for (;;) {
            const report = (await reports()).find((each) => each.source === name);
            if (report) {
              const now = tables
                ? report.tables.filter((each) => tables.includes(each.table))
                : [{ table: name, state: report.state, reason: report.reason }];
              const text = now.map((each) => `${each.table}: ${each.state}`).join(', ');
              if (text !== told) output.talk(text);
              told = text;
              begun ||= now.some((each) => each.state === 'snapshotting');
              if (begun && isDone(report, verb, tables)) return output.print(report, () => text);
            }
            if (performance.now() > deadline)
              throw new FreshetError(
                'unavailable',
                `${verb} of ${name} was asked for and is not done yet; run: freshet source status`,
              );
            await sleep(ASK_EVERY_MS);
          }
        },
      );
  }
};
