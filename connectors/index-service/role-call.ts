/**
 * Calls of one role by another, on connections that are kept. A search of the index takes a millisecond or two: `fetch` on Node 20
 * takes as long again for its streams, and makes every hundredth wait for their garbage.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface RoleCall {
  /** Sent with POST as JSON; without it the call is a GET. */
  readonly body?: unknown;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** The role is taken for gone when it says nothing for so long; default five minutes. */
  readonly silentMs?: number;
}

/** Less than a role keeps a connection that nobody uses (Fastify: 72 s): whoever takes it up must not find it closed. */
const IDLE_MS = 60_000;
const SILENT_MS = 300_000;
const agent = new Agent({ keepAlive: true, timeout: IDLE_MS });

/** The answer once its head came. Rejects with what the connection says, or with the signal's reason. */
export const callRole = (
  url: URL,
  {
    body,
    method = body === undefined ? 'GET' : 'POST',
    headers = {},
    signal,
    silentMs = SILENT_MS,
  }: RoleCall,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const sent = body === undefined ? '' : JSON.stringify(body);
    const described = body === undefined ? {} : { 'content-type': 'application/json' };
    const asked = request(
      url,
      {
        ...{ agent, method, timeout: silentMs, ...(signal && { signal }) },
        headers: { ...described, 'content-length': Buffer.byteLength(sent), ...headers },
      },
      resolve,
    );
    asked.once('timeout', () => asked.destroy(new Error(`silent for ${silentMs / 1_000} s`)));
    asked.once('error', (error) => reject(signal?.aborted ? signal.reason : error));
    asked.end(sent);
  });

/** Undefined where it is no JSON. Rejects where the answer breaks off. */
export const bodyOf = async (answer: IncomingMessage): Promise<unknown> => {
  const read = await text(answer);
  try {
    return JSON.parse(read);
  } catch {
    return undefined;
  }
};
