/** What an address asks to reach, before any name is looked up. Pure. */
import { refused } from './fetch-refusal.ts';

export interface FetchTarget {
  readonly url: URL;
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The operator lets it be inside. */
  readonly mayBeInside: boolean;
  /** What messages call it: never a path or query, which may hold a secret, nor anything of an answer. */
  readonly called: string;
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };
const LOCALHOST = /^(?:.*\.)?localhost\.?$/;

/**
 * Reads an address as the URL standard does: 127.1, 0177.0.0.1 and 2130706433 are 127.0.0.1 from here on. Errors: `forbidden`.
 *
 * @param allowed of `insideHostOf`
 * @param called the host itself where left out
 */
export const targetOf = (
  address: string | URL,
  allowed: ReadonlySet<string>,
  called?: string,
): FetchTarget => {
  const url = URL.canParse(String(address)) ? new URL(address) : null;
  if (url === null) throw refused('address', `${called ?? 'what was given'} is no address`);
  const name = called ?? url.host;
  const own = PORTS[url.protocol];
  if (own === undefined) throw refused('scheme', `${called ?? 'the address'} is not of http or https`);
  if (url.username !== '' || url.password !== '')
    throw refused('userinfo', `${name} comes with a user or password in the address; send a header`);
  const port = url.port === '' ? own : Number(url.port);
  const mayBeInside = allowed.has(`${url.hostname}:${port}`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!mayBeInside && LOCALHOST.test(host)) throw insideRefused(name, 'loopback');
  return { url, host, port, mayBeInside, called: name };
};

export const insideRefused = (called: string, why: string): Error =>
  refused(
    'inside',
    `${called} is inside the network (${why}); where a tool is meant to reach it, name its host:port in the tool's fetch.allowInside`,
  );
