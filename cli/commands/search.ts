/** `freshet search "<query>"`. */
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import type { SearchHit, SearchResponse } from '../../schemas/search.ts';
import { freshnessOptions } from '../freshness-options.ts';
import { createOutput, duration, oneLine, printable } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface SearchOptions {
  readonly top: string;
  readonly tenant?: string;
  readonly filter: readonly string[];
  readonly freshAfter?: string;
  readonly maxStaleness?: string;
  readonly wait?: string;
  readonly asOf?: string;
  readonly mode?: string;
  readonly perDocument?: string;
  readonly perSource?: string;
  readonly json?: boolean;
}

const filterOf = (pairs: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new FreshetError('usage', `--filter takes name=value, not ${pair}`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );

const timeOf = (text: string): string => {
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new FreshetError('usage', `--as-of takes a time such as 2026-11-21T14:00:00Z, not ${text}`);
  return new Date(at).toISOString();
};

/** The row has changed since and was refused; and what gates saw in it and let pass. */
const marksOf = ({ stale, flags = [] }: SearchHit): string =>
  [...(stale ? [`stale: what the row became was refused (${stale.reason})`] : []), ...flags]
    .map((mark) => `\n    ! ${printable(mark)}`)
    .join('');

const describe = ({ hits, receipt }: SearchResponse): string => {
  const lines = hits.map(
    (hit, at) =>
      `${String(at + 1).padStart(2)}  ${hit.score.toFixed(3)}  ${printable(hit.title)}\n    ${oneLine(hit.text, 160)}\n    ${hit.documentId} chunk ${hit.chunk} · committed ${duration(hit.ageMs)} ago · version ${hit.version}${marksOf(hit)}`,
  );
  const sources = Object.entries(receipt.watermarks).map(
    ([source, { state, reason, position, stalenessMs }]) =>
      state === 'known'
        ? `${source} covered up to ${position}, ${duration(stalenessMs)} ago`
        : `${source}: watermark unknown (${reason})`,
  );
  const held = Object.entries(receipt.watermarks).flatMap(([source, { heldTables }]) =>
    Object.entries(heldTables).map(
      ([table, { reason, stalenessMs }]) =>
        `held back: ${table} of ${source}, ${stalenessMs === null ? 'how far it is covered is not known' : `as it was ${duration(stalenessMs)} ago`} (${printable(reason ?? 'no reason given')})`,
    ),
  );
  const refused = (receipt.refused ?? []).map(
    ({ documentId, gate, reason }) => `refused: ${documentId} by the gate ${gate} (${reason})`,
  );
  if (receipt.moreRefused)
    refused.push('more were refused than are told here; of one document: npx freshet quarantine show <id>');
  return [
    lines.join('\n\n') || 'nothing found',
    '',
    ...refused,
    ...held,
    `answered by ${receipt.index}; ${sources.join(', ') || 'nothing applied yet'}`,
  ].join('\n');
};

export const addSearchCommand = (freshet: Command, surroundings: Surroundings): void => {
  freshet
    .command('search <query>')
    .description('the chunks nearest in meaning and words, with the age of each')
    .option('--top <n>', 'how many', '5')
    .option('--tenant <tenant>', "whose documents; the configuration's localTenant where left out")
    .option(
      '--filter <name=value>',
      'metadata that must be equal; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option(
      '--fresh-after <source>@<position>',
      'only once the index covers this position, as pg_current_wal_lsn() gives it after a write (an asynchronous one: pg_current_wal_insert_lsn())',
    )
    .option('--max-staleness <duration>', 'only while the index is no further behind than this, such as 5s')
    .option('--wait <duration>', 'how long to wait for that (default 5s)')
    .option('--as-of <time>', 'the documents as they stood then, such as 2026-11-21T14:00:00Z; reads the log')
    .option('--mode <mode>', 'hybrid (meaning and words), vector or keyword; default hybrid')
    .option('--per-document <n>', 'chunks of one document at most; 1: each document once')
    .option('--per-source <n>', 'hits of one source at most')
    .option('--json', 'JSON')
    .action(async (query: string, options: SearchOptions) => {
      const response = await gatewayOf(surroundings).post<SearchResponse>('/v1/search', {
        query,
        topK: Number(options.top),
        ...(options.tenant ? { tenant: options.tenant } : {}),
        ...(options.asOf ? { asOf: timeOf(options.asOf) } : {}),
        ...(options.mode ? { mode: options.mode } : {}),
        ...(options.perDocument ? { maxPerDocument: Number(options.perDocument) } : {}),
        ...(options.perSource ? { maxPerSource: Number(options.perSource) } : {}),
        ...(options.filter.length > 0 ? { filter: filterOf(options.filter) } : {}),
        ...freshnessOptions(options),
      });
      createOutput(options.json ?? false).print(response, describe);
    });
};
