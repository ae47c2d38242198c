/** Looks a host up once, and refuses it where any of its addresses is inside: what is given is all that may be connected to. */
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { FreshetError } from '../../schemas/errors.ts';
import { type FetchTarget, insideRefused } from './fetch-target.ts';
import { insideOf } from './inside-address.ts';

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

/** As the machine finds it, its hosts file included. */
export const resolveHere: Resolve = (name) => lookup(name, { all: true });

/** Errors: `forbidden`, `not-found`; what the resolver or the signal says. */
export const pinAddresses = async (
  { host, mayBeInside, called }: FetchTarget,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<readonly LookupAddress[]> => {
  const family = isIP(host);
  const found = family === 0 ? await untilAborted(resolve(host), signal) : [{ address: host, family }];
  if (found.length === 0) throw new FreshetError('not-found', `fetch: there is no host ${called}`);
  if (mayBeInside) return found;
  const own = ownAddresses();
  for (const { address } of found) {
    const why = insideOf(address, own);
    if (why !== null) throw insideRefused(called, why);
  }
  return found;
};

const ownAddresses = (): ReadonlySet<string> =>
  new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)));

/** A look-up cannot be ended: it is left behind. */
const untilAborted = <Found>(looking: Promise<Found>, signal: AbortSignal): Promise<Found> =>
  new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
    looking.then(resolve, reject);
  });
