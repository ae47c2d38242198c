/** From what a database says to what is written and said. Pure. */
import {
  KEYLESS,
  type SourceSurvey,
  type SurveyFinding,
  type SurveyTable,
} from '../../connectors/sources/source-survey.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { MappedTable } from './config-text.ts';
import { guessMapping } from './guess-mapping.ts';

export interface InitPlan {
  readonly findings: readonly SurveyFinding[];
  readonly tables: readonly MappedTable[];
  readonly leftOut: readonly { readonly table: string; readonly why: string }[];
}

/** What frameworks keep for themselves; asked for by name they are taken all the same. */
const BOOKKEEPING =
  /\.(?:schema_?migrations?|migrations?|ar_internal_metadata|flyway_schema_history|databasechangelog(?:lock)?|alembic_version|knex_migrations(?:_lock)?|_prisma_migrations|spatial_ref_sys|sessions?|(?:failed_)?jobs|job_batches|cache(?:_locks)?|django_\w+|auth_permission)$/;

const KEPT_BY_A_FRAMEWORK = 'is what frameworks keep for themselves, by its name: --tables takes it';

/** `wanted`: names of tables, empty for all. Throws `not-found` for one that the database does not have. */
export const planInit = (survey: SourceSurvey, wanted: readonly string[]): InitPlan => {
  // Another kind of server, or one too old: whatever else it says, nothing of it can be captured.
  if (survey.findings.some(({ check, ok }) => check === 'server' && !ok)) {
    const findings = survey.findings.filter(({ table }) => table === undefined);
    return { findings, tables: [], leftOut: [] };
  }
  const missing = wanted.filter((name) => !survey.tables.some((table) => table.name === name));
  if (missing.length > 0)
    throw new FreshetError(
      'not-found',
      `there is no table ${missing.join(', ')} that this user may see; there is ${survey.tables.map(({ name }) => name).join(', ') || 'none'}`,
    );
  const isWanted = ({ name }: SurveyTable): boolean => wanted.length === 0 || wanted.includes(name);
  const tables: MappedTable[] = [];
  const leftOut: { table: string; why: string }[] = [];
  for (const table of survey.tables.filter(isWanted)) {
    if (wanted.length === 0 && BOOKKEEPING.test(table.name)) {
      leftOut.push({ table: table.name, why: KEPT_BY_A_FRAMEWORK });
      continue;
    }
    const guess = guessMapping(table);
    const unnamed = survey.findings.find(
      (finding) => finding.check === 'replica-identity' && finding.table === table.name && !finding.ok,
    );
    if (table.primaryKey.length === 0) leftOut.push({ table: table.name, why: KEYLESS });
    else if (!guess) leftOut.push({ table: table.name, why: 'has no column with text to read' });
    else if (unnamed) leftOut.push({ table: table.name, why: unnamed.said });
    else tables.push({ table, guess });
  }
  // What is wrong with a table that nobody takes is no reason to stop.
  const concerns = ({ table, check, said }: SurveyFinding): boolean =>
    table === undefined ||
    tables.some((each) => each.table.name === table) ||
    leftOut.some(
      (each) =>
        each.table === table && (each.why === said || (check === 'primary-key' && each.why === KEYLESS)),
    );
  return { findings: survey.findings.filter(concerns), tables, leftOut };
};
