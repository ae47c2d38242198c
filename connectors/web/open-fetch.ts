/**
 * A `fetch` for addresses that came from a model or a row: it reaches public addresses, and inside the network what an operator
 * named, alone. Each host is looked up once and connected to at what was found, so that a name cannot answer otherwise in
 * between (rebinding); each redirect is a new address (decision 34).
 */
import type { IncomingMessage } from 'node:http';
import { FreshetError, OutcomeUnknown, toError } from '../../schemas/errors.ts';
import { DEFAULT_FETCH, type FetchPolicy, insideHostOf } from '../../schemas/fetch-policy.ts';
import { withSignals } from '../../schemas/linked-signal.ts';
import { refused } from './fetch-refusal.ts';
import { type FetchTarget, targetOf } from './fetch-target.ts';
import { type Hop, nextHop, SAFE_METHODS } from './next-hop.ts';
import { pinAddresses, type Resolve, resolveHere } from './pin-addresses.ts';
import { readAnswer } from './read-answer.ts';
import { sendHop } from './send-hop.ts';

export interface FetchSettings extends FetchPolicy {
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  readonly resolve?: Resolve;
  /** Certificates that are trusted in place of the machine's. */
  readonly ca?: string;
}

type Fetch = typeof globalThis.fetch;

const MAX_REDIRECTS = 5;
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * The answer is there as a whole once it resolves. Errors: `forbidden` (an address that may not be reached), `request-too-large` (its
 * answer), `not-found` (no such host), `unavailable` (no answer, or none in time), `request-invalid`; whatever a signal
 * was aborted for. None shows anything of an answer. Of a request that may have had an effect they are OutcomeUnknown.
 */
export const openFetch = (settings: FetchSettings): Fetch => {
  // One by one: spread over the defaults, an undefined would be no bound at all.
  const maxBytes = settings.maxBytes ?? DEFAULT_FETCH.maxBytes;
  const timeoutMs = settings.timeoutMs ?? DEFAULT_FETCH.timeoutMs;
  const allowInside = settings.allowInside ?? DEFAULT_FETCH.allowInside;
  const { resolve = resolveHere, ca } = settings;
  const allowed = new Set(allowInside.flatMap((entry) => insideHostOf(entry) ?? []));

  const follow = async (
    target: FetchTarget,
    { hop, redirect }: Asked,
    signal: AbortSignal,
    onSent: (method: string) => void,
  ): Promise<Response> => {
    let [at, sent, hops] = [target, hop, 0];
    for (;;) {
      const addresses = await pinAddresses(at, resolve, signal);
      const { method } = sent;
      const answer = await sendHop(at, sent, { addresses, signal, ca, onSent: () => onSent(method) });
      const next = redirect === 'manual' ? null : nextHopOf(answer, sent, target.called);
      if (next === null) return await responseOf(answer, sent, hops, maxBytes);
      if (redirect === 'error') throw refused('redirects', `${target.called} redirects`);
      if (hops === MAX_REDIRECTS)
        throw refused('redirects', `${target.called} redirects more than ${MAX_REDIRECTS} times`);
      hops += 1;
      at = targetOf(next.url, allowed, `what ${target.called} redirects to`);
      sent = next;
    }
  };

  return async (input, init) => {
    const target = targetOf(input instanceof Request ? input.url : input, allowed);
    const asked = await askedOf(input, init, target.url);
    const timer = AbortSignal.timeout(timeoutMs);
    const theirs = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    let isUncertain = false;
    const onSent = (method: string): void => {
      if (!SAFE_METHODS.has(method)) isUncertain = true;
    };
    return withSignals([settings.signal, theirs, timer], async (signal) => {
      try {
        return await follow(target, asked, signal, onSent);
      } catch (thrown) {
        const isTold = signal.aborted && signal.reason !== timer.reason;
        // Whoever ends the whole call knows that it was under way; a tool's own signal says nothing of what was sent.
        if (isTold && (settings.signal.aborted || !isUncertain)) throw signal.reason;
        const error = isTold
          ? givenUp(target)
          : signal.aborted
            ? tooSlow(target, timeoutMs)
            : failureOf(thrown, target);
        if (!isUncertain) throw error;
        throw new OutcomeUnknown(error.code, error.message, error.details && { details: error.details });
      }
    });
  };
};

interface Asked {
  readonly hop: Hop;
  readonly redirect: Request['redirect'];
}

/** As the standard reads it: methods, headers and bodies of every kind. Errors: `request-invalid`. */
const askedOf = async (
  input: Parameters<Fetch>[0],
  init: RequestInit | undefined,
  url: URL,
): Promise<Asked> => {
  try {
    const request = new Request(input, { ...init, signal: null });
    const { method, headers, redirect } = request;
    const body = request.body === null ? null : Buffer.from(await request.arrayBuffer());
    return { hop: { method, url, headers, body }, redirect };
  } catch {
    // What is wrong with it may be the value of a header, which is not for messages.
    throw new FreshetError('request-invalid', 'fetch: its method, headers or body cannot be sent');
  }
};

const nextHopOf = (answer: IncomingMessage, hop: Hop, called: string): Hop | null => {
  const { statusCode: status = 0, headers } = answer;
  try {
    const next = nextHop(hop, { status, location: headers.location }, called);
    if (next !== null) answer.destroy();
    return next;
  } catch (refusal) {
    answer.destroy();
    throw refusal;
  }
};

const responseOf = async (
  answer: IncomingMessage,
  { method, url }: Hop,
  hops: number,
  maxBytes: number,
): Promise<Response> => {
  const { statusCode: status = 0, statusMessage = '', rawHeaders } = answer;
  const isEmpty = method === 'HEAD' || WITHOUT_BODY.has(status);
  const body = isEmpty ? null : await readAnswer(answer, maxBytes);
  if (isEmpty) answer.destroy();
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  // Of the body as it was sent, not as it is given.
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) headers.delete(name);
  const response = new Response(body, { status, statusText: statusMessage, headers });
  return Object.defineProperties(response, { url: { value: url.href }, redirected: { value: hops > 0 } });
};

const tooSlow = ({ called }: FetchTarget, timeoutMs: number): FreshetError =>
  new FreshetError('unavailable', `fetch refused (time): ${called} took over ${timeoutMs} ms`, {
    details: { rule: 'time' },
  });

const givenUp = ({ called }: FetchTarget): FreshetError =>
  new FreshetError('unavailable', `fetch: ${called} was given up before it answered`);

/** By its code alone, and without a cause: messages of parsers and certificates show what the other side sent. */
const failureOf = (thrown: unknown, { called }: FetchTarget): FreshetError => {
  if (thrown instanceof FreshetError) return thrown;
  const { code } = toError(thrown) as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND') return new FreshetError('not-found', `fetch: there is no host ${called}`);
  return new FreshetError('unavailable', `fetch: ${called} gave no answer (${code ?? 'closed'})`);
};
