/** `freshet document trace|withdraw <id>`: row → change → chunks → offsets → index; a result of an agent out of the context. */
import type { Command } from 'commander';
import { type Consent, consent, withConsent } from '../consent.ts';
import { createOutput, oneLine, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Trace {
  readonly documentId: string;
  readonly position: string;
  readonly change: string;
  readonly record: {
    readonly kind: string;
    readonly source: string;
    readonly table: string;
    readonly tenant: string | null;
    readonly version: string;
    readonly title: string;
    readonly text: string;
    readonly model: string;
    readonly reason: string | null;
    readonly metadata: Readonly<Record<string, string>>;
    readonly chunks: readonly {
      readonly hash: string;
      readonly start: number;
      readonly end: number;
      readonly inIndex: boolean;
    }[];
    readonly timing: Readonly<
      Record<'committedAt' | 'capturedAt' | 'inKafkaAt' | 'gatedAt' | 'embeddedAt', number>
    >;
  };
  readonly versions: readonly {
    readonly version: string;
    readonly kind: string;
    readonly chunks: number;
    readonly position: string;
    readonly committedAt: string | null;
  }[];
  readonly quarantined: readonly {
    readonly gate: string;
    readonly reason: string;
    readonly version: string;
  }[];
}

const since = (from: number, to: number): string => `+${((to - from) / 1_000).toFixed(1)} ms`;

const describe = ({ documentId, record, change, position, versions, quarantined }: Trace): string => {
  const { timing } = record;
  const inIndex = record.chunks.filter((chunk) => chunk.inIndex).length;
  const facts = [
    ['document', documentId],
    ['row', `${record.source} ${record.table}`],
    ['state', record.reason === null ? record.kind : `${record.kind} (${record.reason})`],
    ['tenant', record.tenant ?? '–'],
    ['title', oneLine(record.title, 100)],
    ['version', record.version],
    ['committed', new Date(timing.committedAt / 1_000).toISOString()],
    ['captured', since(timing.committedAt, timing.capturedAt)],
    ['in Kafka', `${since(timing.committedAt, timing.inKafkaAt)}  ${change}`],
    ['gated', since(timing.committedAt, timing.gatedAt)],
    ['embedded', `${since(timing.committedAt, timing.embeddedAt)}  ${record.model || '–'}`],
    ['record', position],
    ['chunks', `${record.chunks.length}, ${inIndex} in the index`],
  ];
  const chunks = record.chunks.map((chunk, at) => [
    String(at),
    chunk.hash,
    chunk.inIndex ? 'yes' : 'NO',
    oneLine(record.text.slice(chunk.start, chunk.end), 70),
  ]);
  const earlier = versions.map((each) => [
    each.version,
    each.kind,
    String(each.chunks),
    each.committedAt ?? '–',
    each.position,
  ]);
  return [
    ...facts.map(([name = '', value = '']) => `${name.padEnd(10)} ${value}`),
    ...(chunks.length > 0 ? ['', table(['chunk', 'hash', 'in index', 'text'], chunks)] : []),
    ...(earlier.length > 0 ? ['', table(['version', 'kind', 'chunks', 'committed', 'record'], earlier)] : []),
    ...quarantined.map((each) => `\nquarantined at ${each.version} by ${each.gate}: ${each.reason}`),
  ].join('\n');
};

export const addDocumentCommand = (freshet: Command, surroundings: Surroundings): void => {
  const noun = freshet.command('document').description('documents and where they come from');
  noun
    .command('trace <id>')
    .description('row → change → gates → chunks → offsets → index; ids are source/schema.table/key')
    .option('--json', 'JSON')
    .action(async (id: string, options: { json?: boolean }) => {
      createOutput(options.json ?? false).print(
        await gatewayOf(surroundings).get<Trace>('/v1/documents', { id }),
        describe,
      );
    });
  withConsent(noun.command('withdraw <id>'), { yes: 'required', needsReason: true })
    .description(
      "takes what an agent wrote out of the context: ids are results/results.agent/task; the task's result stays",
    )
    .action(async (id: string, options: Consent) => {
      const reason = consent('withdraw', options);
      const { dryRun = false } = options;
      const done = await gatewayOf(surroundings).post<{ documentId: string; title: string }>(
        '/v1/documents/withdraw',
        { documentId: id, reason, dryRun },
      );
      createOutput(options.json ?? false).print(
        done,
        ({ documentId, title }) =>
          `${dryRun ? 'would withdraw' : 'withdrew'} ${documentId}  ${oneLine(title, 80)}`,
      );
    });
};
