/** `freshet init --source <url>`: looks at a database, says what to change in it, and writes freshet.config.ts for its tables. */
import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { SourceKind } from '../../connectors/sources/source-kind.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import type { SurveyFinding } from '../../connectors/sources/source-survey.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { configText } from '../init/config-text.ts';
import { type InitPlan, planInit } from '../init/plan-init.ts';
import { keptName, replaceFile } from '../init/replace-file.ts';
import { createOutput, table } from '../output.ts';
import type { Surroundings } from './surroundings.ts';

interface InitOptions {
  readonly source: string;
  readonly name?: string;
  readonly tables?: string;
  readonly config: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

const kindOf = (url: string): SourceKind => {
  const scheme = /^([a-z+]+):\/\//i.exec(url)?.[1]?.toLowerCase() ?? '';
  const kind = Object.values(SOURCE_KINDS).find(({ schemes }) => schemes.includes(scheme));
  if (kind) return kind;
  const known = Object.values(SOURCE_KINDS).flatMap(({ schemes }) => schemes.map((each) => `${each}://`));
  throw new FreshetError('usage', `--source takes a URL that begins with ${known.join(', ')}`);
};

/** The database's name, as far as a source's name may be it. */
const nameOf = (database: string): string => {
  const name = database
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  return name.slice(0, 40) || 'source';
};

export const addInitCommand = (freshet: Command, { root }: Surroundings): void => {
  freshet
    .command('init')
    .description('look at your own database and write freshet.config.ts for its tables')
    .requiredOption('--source <url>', 'postgres://user:password@host:port/database, or mysql://… of MariaDB')
    .option('--name <name>', "the source's name; by default the database's")
    .option('--tables <names>', 'schema.table, separated by commas; by default all with something to read')
    .option('--config <file>', 'what to write', 'freshet.config.ts')
    .option('--dry-run', 'look, and write nothing')
    .option('--yes', 'write over a file that is there; what was there is kept beside it as <file>.before')
    .option('--json', 'JSON')
    .action((options: InitOptions) => init(root, options));
};

const init = async (root: string, options: InitOptions): Promise<void> => {
  const kind = kindOf(options.source);
  const source = options.name ?? nameOf(kind.databaseOf(options.source));
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(source))
    throw new FreshetError(
      'usage',
      '--name takes lower-case letters, digits and dashes, beginning with a letter',
    );
  const file = resolve(root, options.config);
  const place = { source, url: options.source };
  const survey = await kind.survey(place);
  const wanted = (options.tables ?? '').split(',').flatMap((each) => each.trim() || []);
  const plan = planInit(survey, wanted);
  const wrong = plan.findings.filter(({ ok }) => !ok);
  const inTheWay = existsSync(file) && !options.yes;
  const written = plan.tables.length > 0 && !options.dryRun && !inTheWay;

  createOutput(options.json ?? false).print(
    {
      ...{ source, kind: kind.kind, server: survey.server, findings: plan.findings },
      tables: plan.tables.map(({ table: { name, rows, primaryKey }, guess }) => ({
        ...{ name, rows, primaryKey },
        title: guess.title?.name ?? null,
        text: guess.text.map((column) => column.name),
        tenant: guess.tenant?.name ?? null,
        metadata: guess.metadata.map((column) => column.name),
        left: guess.left,
      })),
      leftOut: plan.leftOut,
      config: written ? file : null,
    },
    () => describe(plan),
  );
  const unfit = wrong.find(({ check }) => check === 'server');
  if (unfit) throw new FreshetError('check-failed', `nothing was written: ${unfit.said}; ${unfit.change}`);
  if (plan.tables.length === 0)
    throw new FreshetError(
      'check-failed',
      'no table here has a primary key that names its rows and something to read: nothing was written',
    );
  if (inTheWay && !options.dryRun)
    throw new FreshetError(
      'conflict',
      `${file} is there already: --yes writes over it and keeps what is there as ${keptName(file)}; --config names another file`,
    );
  if (written) {
    const tenants = plan.tables.find(({ guess }) => guess.tenant);
    // A table that may not be read is among the findings already.
    const usual =
      tenants?.guess.tenant &&
      (await kind.usualValue(place, tenants.table.name, tenants.guess.tenant.name).catch(() => undefined));
    const project = relative(dirname(file), PROJECT).replaceAll('\\', '/');
    const text = configText({
      ...{ source, kind: kind.kind, url: options.source, tables: plan.tables, leftOut: plan.leftOut },
      localTenant: usual || 'default',
      project: project === '' ? '.' : project.startsWith('.') ? project.replace(/\/$/, '') : `./${project}`,
    });
    const kept = replaceFile(file, text);
    if (kept) process.stderr.write(`\n  kept        ${kept}: what was there before\n`);
    process.stderr.write(`\n  written     ${file}: look it over, above all tenant\n`);
  }
  if (wrong.length > 0)
    throw new FreshetError(
      'check-failed',
      `${wrong.length} of ${plan.findings.length} checks failed: change what is said above, then run this again${written && !options.yes ? ' with --yes, as the file is there now' : ''}`,
    );
  if (written) process.stderr.write(`  next        ${nextCommand(options.config)}\n`);
};

const nextCommand = (config: string): string =>
  config === 'freshet.config.ts' ? 'npm start' : `npm start -- --config ${config}`;

const describeFinding = ({ check, table: name, ok, said, change }: SurveyFinding): string =>
  `${ok ? '✓' : '✗'} ${check.padEnd(16)} ${name ? `${name} ` : ''}${said}${change ? ` → ${change}` : ''}`;

const describe = ({ findings, tables, leftOut }: InitPlan): string =>
  [
    ...findings.map(describeFinding),
    '',
    table(
      ['table', 'rows', 'id', 'title', 'text', 'tenant', 'metadata'],
      tables.map(({ table: { name, rows, primaryKey }, guess }) => [
        name,
        rows === null ? '?' : `~${rows}`,
        primaryKey.join(', '),
        guess.title?.name ?? '(key)',
        guess.text.map((column) => column.name).join(', '),
        guess.tenant?.name ?? 'default',
        guess.metadata.map((column) => column.name).join(', ') || '–',
      ]),
    ),
    ...leftOut.map((each) => `left out: ${each.table}, it ${each.why}`),
  ].join('\n');
