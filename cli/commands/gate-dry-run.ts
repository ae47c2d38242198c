/** `freshet gate dry-run <source>`: what the gates would make of changes that are in Kafka already. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { createChangeReader } from '../../connectors/debezium/read-change.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { createDryRun, type DryRunReport } from '../../pipelines/dry-run-gates/dry-run-gates.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { ownField } from '../../schemas/own-field.ts';
import { changeTopic } from '../../schemas/topics.ts';
import { loadConfig } from '../load-config.ts';
import { createOutput, printable, table } from '../output.ts';
import { spanShown } from '../span-shown.ts';
import { type Surroundings, withKafka } from './surroundings.ts';

interface DryRunOptions {
  readonly from: string;
  readonly table?: string;
  readonly examples: string;
  readonly config?: string;
  readonly json?: boolean;
}

const TOLD_EVERY = 5_000;
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** An offset of every partition, partition:offset of one, a time, or how long ago. Errors: `usage`. */
const startOf = async (
  kafka: KafkaClient,
  topic: string,
  from: string,
): Promise<ReadonlyMap<number, number>> => {
  if (from === 'earliest') return new Map();
  if (/^\d+$/.test(from)) {
    const offsets = await kafka.admin.offsets(topic);
    return new Map(offsets.map(({ partition }) => [partition, Number(from)]));
  }
  const one = /^(\d+):(\d+)$/.exec(from);
  if (one) return new Map([[Number(one[1]), Number(one[2])]]);
  const ago = /^(\d+)([smhd])$/.exec(from);
  const time = ago ? Date.now() - Number(ago[1]) * UNITS[ago[2] as keyof typeof UNITS] : Date.parse(from);
  if (Number.isNaN(time))
    throw new FreshetError(
      'usage',
      `--from ${from} is no offset, partition:offset, ISO time or duration such as 2h`,
    );
  return kafka.admin.offsetsAt(topic, time);
};

const shown = (report: DryRunReport & { readonly unreadable: number }): string =>
  [
    `${report.changes} changes: ${report.passed} documents pass, ${report.refused} are refused, ${report.deletes} deletes`,
    ...(report.incomplete > 0
      ? [
          `${report.incomplete} could not be judged: the change leaves out a large column that stands before this stretch`,
        ]
      : []),
    ...(report.unmapped > 0 ? [`${report.unmapped} rows of which the mapping makes nothing`] : []),
    ...(report.unreadable > 0 ? [`${report.unreadable} records could not be read`] : []),
    ...report.pauses.map(
      ({ table: name, reason, place }) => `${name} would have been paused at ${place}: ${reason}`,
    ),
    '',
    table(
      ['gate', 'passed', 'redacted', 'flagged', 'refused'],
      Object.entries(report.gates).map(([gate, { passed, redacted, flagged, refused }]) => [
        gate,
        ...[passed, redacted, flagged, refused].map(String),
      ]),
    ),
    ...Object.entries(report.reasons)
      .sort(([, a], [, b]) => b - a)
      .flatMap(([reason, count]) => [
        '',
        `${count} ${reason}`,
        ...report.examples
          .filter((each) => `${each.gate}: ${each.reason}` === reason)
          .flatMap(({ documentId, place, outcome, finding }) => [
            `  ${outcome}  ${printable(documentId)}  ${place}`,
            ...(finding
              ? spanShown(finding, process.stdout.isTTY === true).map((line) => `    ${line}`)
              : []),
          ]),
      ]),
  ].join('\n');

export const addGateDryRun = (gate: Command, surroundings: Surroundings): void => {
  gate
    .command('dry-run <source>')
    .description('judge the changes that are in Kafka already, acting on nothing')
    .option(
      '--from <where>',
      'an offset, partition:offset, ISO time, how long ago such as 2h, or earliest',
      'earliest',
    )
    .option('--table <schema.table>', 'this table only')
    .option('--examples <n>', 'shown of each reason', '3')
    .option('--config <file>', 'a configuration to try, in place of the one that runs')
    .option('--json', 'JSON')
    .action(async (source: string, options: DryRunOptions) => {
      const output = createOutput(options.json ?? false);
      const examples = Number(options.examples);
      if (!Number.isInteger(examples) || examples < 0 || examples > 100)
        throw new FreshetError('usage', '--examples is a number from 0 to 100');
      await withKafka(surroundings, async ({ kafka, run }) => {
        const config = await loadConfig(options.config ? resolve(options.config) : run.config);
        const configured = ownField(config.sources, source);
        if (!configured)
          throw new FreshetError(
            'not-found',
            `no source is ${source}; there are ${Object.keys(config.sources).join(', ')}`,
          );
        if (options.table !== undefined && !configured.tables[options.table])
          throw new FreshetError(
            'not-found',
            `${source} has no table ${options.table}; it has ${Object.keys(configured.tables).join(', ')}`,
          );
        const { name: topic } = changeTopic(source);
        const from = await startOf(kafka, topic, options.from);
        const reader = createChangeReader(openSchemaRegistry(run.schemaRegistry));
        const dryRun = createDryRun({ config, source, examples });
        let unreadable = 0;
        let looked = 0;
        const partitions = /^\d+:\d+$/.test(options.from) ? [...from.keys()] : undefined;
        await scanTopic(kafka, { topic, from, ...(partitions && { partitions }) }, async (record) => {
          const read = await reader.read(record);
          looked += 1;
          if (looked % TOLD_EVERY === 0) output.talk(`  ${looked} records`);
          if (read.kind === 'unreadable') unreadable += 1;
          if (read.kind !== 'change' || (options.table !== undefined && read.change.table !== options.table))
            return;
          if (!dryRun.take(read.change, `${topic}:${record.partition}:${record.offset}`)) unreadable += 1;
        });
        output.print({ source, topic, ...dryRun.report(), unreadable }, shown);
      });
    });
};
