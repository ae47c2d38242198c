/** `--fresh-after`, `--max-staleness` and `--wait`, as commands that retrieve take them. */
import { FreshetError } from '../schemas/errors.ts';
import type { FreshnessRequest } from '../schemas/search.ts';

export interface FreshnessOptions {
  readonly freshAfter?: string;
  readonly maxStaleness?: string;
  readonly wait?: string;
}

const UNITS = { ms: 1, s: 1_000, m: 60_000 } as const;

/** 250ms, 5s, 1.5s, 2m; a number alone is milliseconds. Errors: `usage`. */
export const parseDuration = (name: string, text: string): number => {
  const [, number, unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? [];
  if (number === undefined)
    throw new FreshetError('usage', `${name} takes a duration such as 500ms, 5s or 1m, not ${text}`);
  return Math.round(Number(number) * UNITS[unit as keyof typeof UNITS]);
};

const afterOf = (text: string): NonNullable<FreshnessRequest['after']> => {
  const at = text.indexOf('@');
  if (at < 1 || at === text.length - 1)
    throw new FreshetError(
      'usage',
      `--fresh-after takes source@position, such as shop@0/16B3748, not ${text}`,
    );
  return { source: text.slice(0, at), position: text.slice(at + 1) };
};

/** The `freshness` of a request; nothing where none of the options is given. */
export const freshnessOptions = ({
  freshAfter,
  maxStaleness,
  wait,
}: FreshnessOptions): { readonly freshness?: FreshnessRequest } => {
  const freshness: FreshnessRequest = {
    ...(freshAfter === undefined ? {} : { after: afterOf(freshAfter) }),
    ...(maxStaleness === undefined ? {} : { maxStalenessMs: parseDuration('--max-staleness', maxStaleness) }),
    ...(wait === undefined ? {} : { waitMs: parseDuration('--wait', wait) }),
  };
  if (freshAfter === undefined && maxStaleness === undefined) {
    if (wait !== undefined)
      throw new FreshetError('usage', '--wait goes with --fresh-after or --max-staleness');
    return {};
  }
  return { freshness };
};
