/** `freshet gate test <file>`: what the gates say of rows, documents or a text in a file, without anything running. */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { memoryLookalikes } from '../../pipelines/dry-run-gates/memory-lookalikes.ts';
import { fingerprintOf } from '../../pipelines/gates/fingerprint.ts';
import { type GateOutcome, judgeDraft } from '../../pipelines/gates/run-gates.ts';
import { mapRow } from '../../pipelines/index-documents/draft.ts';
import { type FreshetConfig, gatesOfTable } from '../../schemas/config.ts';
import { FreshetError, toError } from '../../schemas/errors.ts';
import type { Finding } from '../../schemas/records.ts';
import { draftsIn, rowsIn } from '../gate-input.ts';
import { loadConfig } from '../load-config.ts';
import { createOutput, printable } from '../output.ts';
import { spanShown } from '../span-shown.ts';
import type { Surroundings } from './surroundings.ts';

interface TestOptions {
  readonly config?: string;
  readonly table?: string;
  readonly tenant: string;
  readonly json?: boolean;
}

interface Judged {
  readonly item: string;
  readonly refused: boolean;
  readonly gates: readonly { readonly gate: string; readonly outcome: GateOutcome | 'not judged' }[];
  readonly sightings: readonly {
    readonly gate: string;
    readonly reason: string;
    readonly detail: string;
    readonly finding: Finding;
  }[];
  /** What would be indexed; absent where it is refused. */
  readonly text?: string;
}

const MARKS = { passed: '·', redacted: '~', flagged: '!', refused: '✗', 'not judged': ' ' } as const;

const shown = ({ item, gates, sightings, refused }: Judged): string =>
  [
    `${printable(item)}: ${refused ? 'refused' : 'passes'}`,
    ...gates.map(({ gate, outcome }) => `  ${MARKS[outcome]} ${gate.padEnd(14)} ${outcome}`),
    ...sightings.flatMap(({ gate, reason, detail, finding }) => [
      '',
      `  ${gate}: ${reason}. ${printable(detail)}`,
      ...spanShown(finding, process.stdout.isTTY === true).map((line) => `  ${line}`),
    ]),
    '',
  ].join('\n');

/** source/schema.table, or schema.table where one source alone has it. */
const placeOf = (config: FreshetConfig, name: string): { source: string; table: string } => {
  const [first = '', ...rest] = name.split('/');
  const places = Object.entries(config.sources).flatMap(([source, { tables }]) =>
    Object.keys(tables).map((table) => ({ source, table })),
  );
  const found = places.filter((each) =>
    rest.length > 0 ? each.source === first && each.table === rest.join('/') : each.table === name,
  );
  const [place] = found;
  if (found.length !== 1 || !place)
    throw new FreshetError(
      'not-found',
      `no one table is ${name}; there are ${places.map(({ source, table }) => `${source}/${table}`).join(', ')}`,
    );
  return place;
};

export const addGateTest = (gate: Command, { root }: Surroundings): void => {
  gate
    .command('test <file>')
    .description(
      'judge a JSON or NDJSON file of documents, or with --table of rows, or a plain text; exit 6 where one is refused',
    )
    .option('--table <source/schema.table>', 'rows of this table, through its mapping and its gates')
    .option('--tenant <tenant>', 'of documents that name none', 'test')
    .option('--config <file>', 'a configuration to try, in place of freshet.config.ts')
    .option('--json', 'a line of JSON a document')
    .action(async (file: string, options: TestOptions) => {
      const config = await loadConfig(resolve(root, options.config ?? 'freshet.config.ts'));
      const output = createOutput(options.json ?? false);
      let content: string;
      try {
        content = readFileSync(file, 'utf8');
      } catch (thrown) {
        throw new FreshetError('not-found', `${file} cannot be read: ${toError(thrown).message}`);
      }
      const place = options.table === undefined ? undefined : placeOf(config, options.table);
      const mapping = place && config.sources[place.source]?.tables[place.table];
      const items = mapping
        ? rowsIn(content, file).map((row) => mapRow(mapping, row, [], undefined))
        : draftsIn(content, file, options.tenant).map((draft) => ({ kind: 'draft' as const, draft }));
      const settings = place ? gatesOfTable(config, place.source, place.table) : config.gates;
      const lookalikes = memoryLookalikes();
      let refused = 0;
      for (const [at, mapped] of items.entries()) {
        const item = `${basename(file)} ${at + 1}`;
        if (mapped.kind !== 'draft') {
          refused += 1;
          const why =
            mapped.kind === 'missing-columns' ? `no column ${mapped.columns.join(', ')}` : mapped.kind;
          output.stream(
            { item, refused: true, gates: [{ gate: 'schema', outcome: 'refused' }], sightings: [], why },
            () =>
              printable(
                `${item}: the mapping makes nothing of it: ${mapped.kind === 'failed' ? mapped.message : why}\n`,
              ),
          );
          continue;
        }
        const context = { settings, documentId: item, lookalikes, steps: () => undefined };
        const { draft, refusal, outcomes, sightings } = judgeDraft(mapped.draft, context);
        if (refusal) refused += 1;
        else lookalikes.add(draft.tenant, item, fingerprintOf(draft.text));
        const judged: Judged = {
          item,
          refused: refusal !== null,
          gates: outcomes,
          sightings: sightings.map(({ gate: name, reason, detail, finding }) => ({
            gate: name,
            reason,
            detail,
            finding: finding(),
          })),
          ...(refusal ? {} : { text: draft.text }),
        };
        output.stream(judged, shown);
      }
      output.talk(
        `${items.length - refused} pass, ${refused} refused; vectors and bursts are not judged here`,
      );
      if (refused > 0) throw new FreshetError('check-failed', `${refused} of ${items.length} are refused`);
    });
};
