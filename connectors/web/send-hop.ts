/** One request to addresses that were looked up before: no name is looked up here. */
import type { LookupAddress } from 'node:dns';
import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { FetchTarget } from './fetch-target.ts';
import type { Hop } from './next-hop.ts';

export interface HopTerms {
  readonly addresses: readonly LookupAddress[];
  readonly signal: AbortSignal;
  /** Told once there is a connection, and so the other side may act on what it gets. */
  readonly onSent: () => void;
  /** Certificates that are trusted in place of the machine's. */
  readonly ca: string | undefined;
}

/** What Node.js has to say for itself of a connection. */
const OF_THE_CONNECTION = [
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-authorization'],
  ...['proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
];
const OWN_ATTEMPT_MS = 1_000;

/** Resolves to an answer whose body was not read. Host, SNI and certificate go by the name of the target. */
export const sendHop = (
  { url, host, port }: Pick<FetchTarget, 'url' | 'host' | 'port'>,
  { method, headers, body }: Hop,
  { addresses, signal, onSent, ca }: HopTerms,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const isSecure = url.protocol === 'https:';
    const options: RequestOptions = {
      ...{ method, hostname: host, port, path: `${url.pathname}${url.search}`, signal },
      headers: sentHeaders(headers, body),
      lookup: pinnedTo(addresses),
      // Several addresses are tried one after the other, as a browser would.
      ...{ autoSelectFamily: true, autoSelectFamilyAttemptTimeout: OWN_ATTEMPT_MS },
      // A connection of its own: one that is kept was opened under an earlier look-up.
      agent: false,
    };
    const sending = isSecure
      ? requestHttps({ ...options, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) })
      : requestHttp(options);
    sending.once('socket', (socket) => socket.once(isSecure ? 'secureConnect' : 'connect', onSent));
    sending.once('response', (answer) => {
      // Whoever reads it hears of a failure; one that is thrown away may fail.
      answer.on('error', () => undefined);
      resolve(answer);
    });
    sending.on('error', reject);
    sending.once('close', () => reject(new Error('closed without an answer')));
    sending.end(body ?? undefined);
  });

const sentHeaders = (headers: Headers, body: Uint8Array | null): Record<string, string> => {
  const sent = new Headers({ accept: '*/*', 'user-agent': 'freshet' });
  for (const [name, value] of headers) sent.set(name, value);
  for (const name of OF_THE_CONNECTION) sent.delete(name);
  sent.set('accept-encoding', 'gzip, br');
  if (body !== null) sent.set('content-length', String(body.length));
  return Object.fromEntries(sent);
};

const pinnedTo =
  (addresses: readonly LookupAddress[]): LookupFunction =>
  (_name, { all }, callback) => {
    const [first] = addresses;
    if (all || !first) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
