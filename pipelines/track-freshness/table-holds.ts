/**
 * Which tables a claim must hold back, as far as is known when it is made. A worker that finds its table unfit drops its changes as
 * soon as the pause is asked for on freshet.control; the source's state says so only once the watch has come to it. Pure.
 */
import type { SourceState } from '../../schemas/records.ts';
import { tableKey } from '../index-documents/paused-tables.ts';
import type { SourceCommand } from '../watch-sources/source-commands.ts';
import type { TableHold } from './watermark-state.ts';

/** Of freshet.control as far as it was read: where each table was last asked to be paused. */
export interface AskedPauses {
  /** One past the last record. */
  readonly end: number;
  readonly at: ReadonlyMap<string, { readonly offset: number; readonly command: SourceCommand }>;
}

export const NO_PAUSES: AskedPauses = { end: 0, at: new Map() };

/** After one more record; `command` where it is one to a source. */
export const withRecord = (
  asked: AskedPauses,
  offset: number,
  command: SourceCommand | undefined,
): AskedPauses => {
  // Read again from its start, or made anew.
  const at = new Map(offset < asked.end ? [] : asked.at);
  // One that is taken on again was paused all the same.
  if (command?.table !== undefined && command.action === 'pause')
    at.set(tableKey(command.source, command.table), { offset, command });
  return { end: offset + 1, at };
};

/** The tables of a source that are not live, and those that will not be once its watch has come to what was asked of it. */
export const tableHolds = (
  source: string,
  state: Pick<SourceState, 'tables' | 'handled'> | undefined,
  asked: AskedPauses,
): readonly TableHold[] => {
  const held = (state?.tables ?? [])
    .filter((each) => each.state !== 'live')
    .map(({ table, state: how, reason }) => ({ table, reason: reason ? `${how}: ${reason}` : how }));
  const handled = state?.handled ?? 0;
  const waiting = [...asked.at.values()].flatMap(({ offset, command: { table, reason, ...command } }) => {
    // More handled than there is: the topic was made anew, and the watch begins at its start.
    const isDue = command.source === source && (offset >= handled || asked.end < handled);
    if (!isDue || table === undefined || held.some((each) => each.table === table)) return [];
    return [{ table, reason: reason ? `asked to be paused: ${reason}` : 'asked to be paused' }];
  });
  return [...held, ...waiting];
};
