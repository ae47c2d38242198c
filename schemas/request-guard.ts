/**
 * Keeps other web sites out of a server that listens on loopback without credentials (attack 17), the gateway and every role: a
 * page elsewhere can reach it from its visitor's browser, by its address or by a name that it points there (DNS rebinding).
 */
import { FreshetError } from './errors.ts';

/** As Node.js gives them: names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;

const oneOf = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.join(', ');

/** Undefined where the request may pass; otherwise `forbidden`. */
export const refusalOf = (headers: RequestHeaders): FreshetError | undefined => {
  const [host, origin, fetchSite] = ['host', 'origin', 'sec-fetch-site'].map((name) => oneOf(headers[name]));
  if (host === undefined || !LOOPBACK.test(host))
    return new FreshetError('forbidden', 'the Host header must be 127.0.0.1, localhost or [::1]');
  // Another port of this machine is the same site but another origin.
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none')
    return new FreshetError('forbidden', 'requests from other sites are refused');
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return new FreshetError('forbidden', 'requests from other origins are refused');
  return undefined;
};
