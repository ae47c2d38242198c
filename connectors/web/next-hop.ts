/** Where an answer sends a request on to, and what goes along. Pure. */
import { refused } from './fetch-refusal.ts';

export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: Uint8Array | null;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** That change nothing outside. */
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Across origins these alone: a key of one's own may be in a header of any name. */
const FOR_ANYBODY: ReadonlySet<string> = new Set(['accept', 'accept-language', 'range', 'user-agent']);
const OF_A_BODY = ['content-encoding', 'content-language', 'content-location', 'content-type'];

/**
 * Null: the answer is the last. Errors: `forbidden`.
 *
 * @param called the host that was asked first: what comes after it is another's word
 */
export const nextHop = (
  hop: Hop,
  { status, location }: { readonly status: number; readonly location: string | undefined },
  called: string,
): Hop | null => {
  if (!REDIRECTS.has(status) || location === undefined) return null;
  if (!URL.canParse(location, hop.url.href))
    throw refused('address', `${called} redirects to what is no address`);
  const url = new URL(location, hop.url);
  const becomesGet =
    (status === 303 && !['GET', 'HEAD'].includes(hop.method)) ||
    ((status === 301 || status === 302) && hop.method === 'POST');
  const method = becomesGet ? 'GET' : hop.method;
  const headers = new Headers(hop.headers);
  if (becomesGet) for (const name of OF_A_BODY) headers.delete(name);
  if (url.origin !== hop.url.origin) {
    // Without its headers it would have no idempotency key, and with them it would give that and its credentials away.
    if (!SAFE_METHODS.has(method))
      throw refused('redirected-write', `${called} sends a ${method} on to somebody else`);
    for (const name of [...headers.keys()]) if (!FOR_ANYBODY.has(name)) headers.delete(name);
  }
  return { method, url, headers, body: becomesGet ? null : hop.body };
};
