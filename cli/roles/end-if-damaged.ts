import { type FreshetError, hasCode } from '../../schemas/errors.ts';

/** A document table that is damaged cannot be mended in place: the role ends, and begins it anew from the log. */
export const endIfDamaged = (
  table: { condemn(damage: FreshetError): void },
  thrown: unknown,
  fail: (error: FreshetError) => void,
): void => {
  if (!hasCode(thrown, 'index-corrupt')) return;
  table.condemn(thrown);
  fail(thrown);
};
