/**
 * Keeps other web sites out of a gateway without credentials (attack 17): a page elsewhere can reach loopback from its
 * visitor's browser, by its address or by a name that it points there (DNS rebinding). Pure.
 */
import { FreshetError } from '../../schemas/errors.ts';

export interface RequestOrigin {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
}

const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;

/** Undefined where the request may pass. */
export const refusalOf = ({ host, origin, fetchSite }: RequestOrigin): FreshetError | undefined => {
  if (host === undefined || !LOOPBACK.test(host))
    return new FreshetError('forbidden', 'the Host header must be 127.0.0.1, localhost or [::1]');
  // Another port of this machine is the same site but another origin.
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none')
    return new FreshetError('forbidden', 'requests from other sites are refused');
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return new FreshetError('forbidden', 'requests from other origins are refused');
  return undefined;
};

export const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
} as const;

/** On every answer. */
export const ALL_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
} as const;
