/** Why a fetch of a tool was refused, in words that show nothing of an answer. */
import { FreshetError } from '../../schemas/errors.ts';

export type FetchRule = 'address' | 'scheme' | 'userinfo' | 'inside' | 'redirects' | 'redirected-write';

export const refused = (rule: FetchRule, message: string): FreshetError =>
  new FreshetError('forbidden', `fetch refused (${rule}): ${message}`, { details: { rule } });

export const answerTooLarge = (maxBytes: number): FreshetError =>
  new FreshetError(
    'request-too-large',
    `fetch refused (bytes): the answer is over ${maxBytes} bytes; ask for less, or raise fetch.maxBytes of the tool`,
    { details: { rule: 'bytes' } },
  );
