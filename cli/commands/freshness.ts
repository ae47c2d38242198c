/** `freshet freshness status|watch`. */
import type { Command } from 'commander';
import type { FreshnessReport } from '../../pipelines/track-freshness/freshness-report.ts';
import { createOutput, duration, table } from '../output.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

const BAR_WIDTH = 36;

const bar = (ms: number, longest: number): string =>
  '█'.repeat(Math.max(1, Math.round((ms / Math.max(longest, 0.001)) * BAR_WIDTH)));

const percent = (share: number | null): string => (share === null ? '–' : `${(share * 100).toFixed(2)} %`);

const rate = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : `${value.toFixed(value < 10 ? 1 : 0)}×`;

const covered = ({ watermark, stalenessMs }: FreshnessReport['sources'][number]): string =>
  watermark.state === 'known'
    ? `${watermark.position}, ${duration(stalenessMs)} ago`
    : `unknown (${watermark.reason ?? '?'})`;

const notes = ({ source, watermark, clock, probe, slo }: FreshnessReport['sources'][number]): string[] => [
  `${source}: budget left ${percent(slo.errorBudgetLeft)}, burn 5m ${rate(slo.burnRates['5m'])}, 1h ${rate(slo.burnRates['1h'])}, 6h ${rate(slo.burnRates['6h'])}` +
    (probe
      ? `; probes found ${probe.found}, missed ${probe.missed}, p99 ${duration(probe.latencyMs.p99)}`
      : '') +
    (clock
      ? `; clock ${clock.offsetMs >= 0 ? '+' : ''}${clock.offsetMs.toFixed(1)} ms ± ${clock.errorMs.toFixed(1)}`
      : ''),
  ...Object.entries(watermark.heldTables).map(
    ([table, held]) =>
      `${source}: ${table} is held back (${held.reason})${held.position === null ? '' : ` at ${held.position}, ${duration(held.stalenessMs)} ago`}`,
  ),
];

const describe = (report: FreshnessReport): string => {
  const rows = report.sources.map((each) => [
    each.source,
    String(each.counts.commits),
    ...(['p50', 'p95', 'p99', 'p99.99', 'max'] as const).map((at) => duration(each.latencyMs[at])),
    covered(each),
    each.newestApplied ? `${duration(each.newestApplied.ageMs)} ago` : '–',
  ]);
  const stages = report.stages.filter((stage) => stage.count > 0);
  const longest = Math.max(0, ...stages.map((stage) => stage.p50));
  const { slo } = report;
  const share =
    slo.share === null
      ? 'no commits yet'
      : `${percent(slo.share)} within ${duration(slo.targetMs)} (objective ${(slo.objective * 100).toFixed(2)} %)`;
  return [
    `commit → searchable over ${duration(report.windowMs)}: ${share}`,
    '',
    rows.length > 0
      ? table(
          ['source', 'commits', 'p50', 'p95', 'p99', 'p99.99', 'max', 'covered up to', 'newest commit'],
          rows,
        )
      : 'no changes yet',
    '',
    ...report.alerts.map(
      ({ severity, kind, since, summary }) => `${severity.toUpperCase()} ${kind} since ${since}: ${summary}`,
    ),
    ...report.sources.flatMap(notes),
    ...(stages.length > 0 ? ['', `where the time goes (median; most in ${report.slowestStage})`] : []),
    ...stages.map(
      (stage) => `  ${stage.stage.padEnd(22)} ${duration(stage.p50).padStart(9)}  ${bar(stage.p50, longest)}`,
    ),
  ].join('\n');
};

export const addFreshnessCommand = (freshet: Command, surroundings: Surroundings): void => {
  const freshness = freshet.command('freshness').description('how old what is found is');
  freshness
    .command('status')
    .description('percentiles against the objective, and where the time goes')
    .option('--json', 'JSON')
    .action(async (options: { json?: boolean }) =>
      createOutput(options.json ?? false).print(
        await gatewayOf(surroundings).get<FreshnessReport>('/v1/freshness'),
        describe,
      ),
    );
  freshness
    .command('watch')
    .description('the same, each second, until Ctrl-C')
    .option('--json', 'a line of JSON each second')
    .action(async (options: { json?: boolean }) => {
      const output = createOutput(options.json ?? false);
      const redraw = process.stdout.isTTY && !output.json ? '\u001b[2J\u001b[H' : '';
      await untilInterrupted(async (interrupted) => {
        for await (const { data } of gatewayOf(surroundings).events('/v1/freshness/stream', interrupted))
          output.stream(
            data as FreshnessReport,
            (report) => `${redraw}${describe(report)}${redraw ? '' : '\n'}`,
          );
      });
    });
};
