/** What can be asked of a source as it stands. Pure. */
import { FreshetError } from '../../schemas/errors.ts';
import type { SourceState } from '../../schemas/records.ts';
import type { SourceAction } from './source-commands.ts';

export interface AskedOfSource {
  readonly source: string;
  readonly action: SourceAction;
  /** Undefined: the whole source. */
  readonly tables: readonly string[] | undefined;
}

/**
 * The tables that a command is for; undefined where it is for the whole source. A snapshot is always of tables. Errors: `not-found`
 * for a table that is not configured; `conflict` for what would be passed over: the snapshot of a paused table, the pause of a
 * source that is about to be read anew.
 */
export const checkCommand = (
  configured: readonly string[],
  state: SourceState | undefined,
  { source, action, tables: asked }: AskedOfSource,
): readonly string[] | undefined => {
  const tables = asked ?? (action === 'snapshot' ? configured : undefined);
  for (const table of tables ?? []) {
    if (!configured.includes(table))
      throw new FreshetError(
        'not-found',
        `the source ${source} has no table ${table}; it has ${configured.join(', ')}`,
      );
    if (
      action === 'snapshot' &&
      state?.tables.some((each) => each.table === table && each.state === 'paused')
    )
      throw new FreshetError(
        'conflict',
        `the table ${table} is paused, and is read again when it is resumed; run: freshet source resume ${source} --tables ${table}`,
      );
  }
  if (action === 'pause' && !tables && state?.state === 'lost')
    throw new FreshetError(
      'conflict',
      `the source ${source} lost changes and is about to be read anew; pause it once it snapshots or streams`,
    );
  return tables;
};
