/** `freshet index verify`: the source against the index, row by row, while both keep moving. Loaded by whoever asks for it alone. */
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { auditRecord } from '../../gateway/audit-record.ts';
import type { ReplicaReport } from '../../pipelines/reconcile/reconcile-sources.ts';
import { tellNowAndThen } from '../../pipelines/reconcile/tell-now-and-then.ts';
import { systemClock } from '../../schemas/clock.ts';
import { compareIndex } from '../compare-index.ts';
import type { Consent } from '../consent.ts';
import { loadConfig } from '../load-config.ts';
import { createOutput } from '../output.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { type Surroundings, withKafka } from './surroundings.ts';
import { verifyFailure } from './verify-end.ts';

export interface VerifyOptions extends Consent {
  readonly repair?: boolean;
  readonly source?: string;
  readonly table?: string;
}

const SHOWN = 20;

const describe = ({
  index,
  source,
  table,
  rows,
  divergent,
  unsettled,
  inFlight,
  repaired,
}: ReplicaReport): string =>
  [
    `${source}/${table}: ${rows} rows, compared with ${index}: ${divergent.length} divergent${repaired > 0 ? `, ${repaired} mended` : ''}; ${inFlight} were changes in flight`,
    ...divergent.slice(0, SHOWN).map((each) => `  ${each.divergence.padEnd(10)} ${each.documentId}`),
    ...(divergent.length > SHOWN ? [`  and ${divergent.length - SHOWN} more: --json lists all`] : []),
    ...(unsettled.length > 0
      ? [
          `  ${unsettled.length} could not be told from changes in flight, or their mapping fails: see freshet freshness status`,
        ]
      : []),
  ].join('\n');

/** With `repair` and `dryRun` it says what would be mended, and mends nothing. Errors: `check-failed` where they differ, still differ after `repair`, or some could not be told; `unavailable` where it was stopped (never with `repair`); those of Kafka, index and source, which also say what differs elsewhere. */
export const verifyIndex = (surroundings: Surroundings, options: VerifyOptions): Promise<void> =>
  // What is mended is mended to the end, whether anybody reads of it or not.
  options.repair && !options.dryRun
    ? verify(surroundings, options)
    : untilInterrupted((interrupted) => verify(surroundings, options, interrupted));

const verify = async (
  surroundings: Surroundings,
  options: VerifyOptions,
  interrupted?: AbortSignal,
): Promise<void> => {
  const output = createOutput(options.json ?? false);
  const { reason = null, dryRun = false } = options;
  await withKafka(surroundings, async ({ kafka, codec, run }) => {
    const config = await loadConfig(run.config);
    const writer = openRecordWriter(kafka);
    const sums = { left: 0, unsettled: 0 };
    let failed: unknown;
    try {
      const settings = {
        ...{ config, index: run.index, models: run.models, kafka, codec, writer, pauseMs: 0 },
        urlOf: (source: string) => run.sources[source] ?? '',
      };
      for await (const report of compareIndex(settings, {
        ...(options.source !== undefined && { source: options.source }),
        ...(options.table !== undefined && { table: options.table }),
        ...(interrupted && { signal: interrupted }),
        repair: (options.repair ?? false) && !dryRun,
        onRepair: async (targets) => {
          const audit = { at: systemClock(), by: 'local', action: 'index repair', targets, reason };
          await writer.append([auditRecord(codec, audit, 'freshet/cli')]);
        },
        onProgress: tellNowAndThen((source, table, rows) =>
          output.talk(`  ${source}/${table}: ${rows} rows compared`),
        ),
      })) {
        sums.left += report.divergent.length - report.repaired;
        sums.unsettled += report.unsettled.length;
        output.stream(report, describe);
      }
    } catch (thrown) {
      failed = thrown;
    } finally {
      await writer.close();
    }
    if (options.repair && dryRun) output.talk(`would mend ${sums.left} documents`);
    const failure = options.repair && dryRun ? failed : verifyFailure(sums, options.repair ?? false, failed);
    if (failure !== undefined) throw failure;
  });
};
