import { FreshetError } from '../../schemas/errors.ts';

/** A source's URL that cannot be read. Neither it nor what reading it said is told: they hold the password. */
export const urlInvalid = (kind: string, form: string, source?: string): FreshetError =>
  new FreshetError(
    'config-invalid',
    `The URL of ${source === undefined ? `a ${kind} source` : `the source ${source}`} must read ${form}; in the user and the password, # ? / @ : and % have to be percent-encoded (# is %23, ? %3F, / %2F, @ %40, : %3A, % %25).`,
  );
