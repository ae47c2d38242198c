/** `freshet index status|rebuild`; `freshet index` alone runs the role (roles.ts). */
import type { Command } from 'commander';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import type { IndexStatus, RebuildProgress } from '../../connectors/index-service/index-service.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { AT_TERMINAL, askAtTerminal, asked, type Consent, withConsent } from '../consent.ts';
import { createOutput, duration } from '../output.ts';
import { requireRun } from '../run-file.ts';
import type { VerifyOptions } from './index-verify.ts';
import { addModelLaneCommands } from './model-lanes.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

export const describeStatus = (status: IndexStatus): string =>
  [
    `index      ${status.name}, ${status.engine}, ${status.model}`,
    `documents  ${status.documents} (${status.markers} markers), ${status.rows} rows`,
    `state      ${status.current ? 'caught up with the log' : 'catching up'}, ${status.waiting} records waiting`,
    ...(status.trouble ? [`TROUBLE    ${status.trouble}`] : []),
    `build      ${status.build.recent} rows are not built into the graph yet${status.build.running ? ', a build runs' : ''}${status.build.failure ? `, FAILED: ${status.build.failure}` : ''}`,
    status.keywords
      ? `keywords   ${status.keywords.ready ? 'ready' : 'filling'}, ${status.keywords.rows} rows, ${Math.round(status.keywords.bytes / 2 ** 20)} MiB${status.keywords.tenantsLeftOut > 0 ? `, ${status.keywords.tenantsLeftOut} tenants left out` : ''}${status.keywords.failure ? `, FAILED: ${status.keywords.failure}` : ''}`
      : 'keywords   none',
    `positions  ${Object.entries(status.positions)
      .map(([partition, offset]) => `${partition}:${offset}`)
      .join(' ')}`,
  ].join('\n');

export const addIndexCommands = (index: Command, surroundings: Surroundings): void => {
  addModelLaneCommands(index, surroundings);
  withConsent(index.command('verify'), { json: 'a line of JSON a table' })
    .description('compare the sources with the index while both keep moving; exit 6 where they differ')
    .option('--repair', 'mend what differs, and nothing else, through the log')
    .option('--source <name>', 'this source only')
    .option('--table <schema.table>', 'this table only')
    .action(async (options: VerifyOptions) =>
      (await import('./index-verify.ts')).verifyIndex(surroundings, options),
    );
  index
    .command('status')
    .description('what the index holds and how far it has read')
    .option('--json', 'JSON')
    .action(async (options: { json?: boolean }) =>
      createOutput(options.json ?? false).print(
        await openIndexClient(requireRun(surroundings.root).index).status(),
        describeStatus,
      ),
    );
  withConsent(index.command('rebuild'), { yes: AT_TERMINAL, json: 'a line of JSON a step' })
    .description(
      'read freshet.documents from its beginning into a new index, compare it with the old, and switch',
    )
    .action(async (options: Consent) => {
      askAtTerminal('rebuild the index', options);
      const output = createOutput(options.json ?? false);
      let report: RebuildProgress['report'];
      const steps = gatewayOf(surroundings).lines<RebuildProgress>('/v1/index/rebuild', asked(options));
      for await (const progress of steps) {
        if (options.dryRun)
          return output.stream(
            progress,
            ({ of }) =>
              `would read ${TOPICS.documents.name} into a second index, compare the two, and switch; ${of} documents and markers stand in the one that serves`,
          );
        if (progress.done) report = progress.report;
        if (output.json) output.stream(progress, () => '');
        else if (!progress.done) output.talk(`  ${progress.records} of ${progress.of} records`);
      }
      if (!report)
        throw new FreshetError(
          'index-unavailable',
          'the rebuild ended without a report; see the log of the index role',
        );
      if (!output.json) {
        output.print(
          report,
          (done) =>
            `${done.identical ? 'identical' : `DIFFERENT: ${done.different.join(', ')}`}: ${done.documents} documents, ${done.rows} rows from ${done.records} records in ${duration(done.ms)}; the new index serves now`,
        );
      }
      if (!report.identical)
        throw new FreshetError(
          'check-failed',
          'the index that served was not what the log says; the rebuilt one is',
        );
    });
};
