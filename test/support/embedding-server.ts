/**
 * A local server that speaks three embedding protocols as documented (read in November 2026):
 * - OpenAI: POST /v1/embeddings {model, input, encoding_format} → {object: 'list', data: [{object, index, embedding}], usage};
 * - Pinecone inference: POST /embed {model, inputs: [{text}], parameters: {input_type, truncate}} → {model, data: [{values}], usage};
 * - Ollama: POST /api/embed {model, input, truncate} → {model, embeddings, prompt_eval_count}.
 * Vectors are feature hashes, of another sign for queries where the protocol tells them apart. Faults are switched on by the test.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';

interface Indexed {
  readonly embedding: readonly number[];
  readonly index: number;
}

export type EmbeddingFault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  /** No answer at all. */
  | { readonly kind: 'hang' }
  /** One vector fewer than texts. */
  | { readonly kind: 'short' }
  /** The connection is gone after the request came. */
  | { readonly kind: 'reset' }
  /** A success status and no JSON. */
  | { readonly kind: 'page' }
  /** Vectors in another order, or under another index. OpenAI's protocol alone. */
  | { readonly kind: 'order'; readonly change: (vectors: readonly Indexed[]) => readonly object[] }
  /** Tokens that it says it counted. OpenAI's protocol alone. */
  | { readonly kind: 'usage'; readonly tokens: number };

export type SeenEmbedding = {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly texts: readonly string[];
  readonly purpose: string | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly fault: EmbeddingFault['kind'] | null;
};

export interface EmbeddingServer {
  readonly url: string;
  readonly seen: SeenEmbedding[];
  /** Taken by the next requests, one each. */
  readonly faults: EmbeddingFault[];
  /** Asked for each request when no fault waits. */
  faultOf: (texts: readonly string[]) => EmbeddingFault | undefined;
  /** Added to each answer's time. */
  delayMs: number;
  /** Texts that are refused with 400 as long as they stand in a request. */
  readonly refused: Set<string>;
  /** Tokens told in answers with a success status, and so what a bill would say. */
  metered(): number;
  /** Requests under way at once, at most so far. */
  mostAtOnce(): number;
  close(): Promise<void>;
}

export const startEmbeddingServer = async (): Promise<EmbeddingServer> => {
  const model = createHashEmbeddingModel();
  let tokens = 0;
  let underway = 0;
  let most = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = '';
    for await (const part of request) text += part;
    const path = request.url ?? '';
    const body = JSON.parse(text) as {
      input?: readonly string[];
      inputs?: readonly { readonly text: string }[];
      parameters?: { readonly input_type: string };
    };
    const texts = body.inputs?.map((input) => input.text) ?? body.input ?? [];
    const fault = server.faults.shift() ?? server.faultOf(texts);
    const purpose = body.parameters?.input_type;
    const { headers } = request;
    server.seen.push({ path, headers, texts, purpose, at: Date.now(), fault: fault?.kind ?? null });
    const json = (status: number, value: unknown, extra: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...extra });
      response.end(JSON.stringify(value));
    };
    if (server.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, server.delayMs));
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void request.socket.destroy();
    if (fault?.kind === 'page') return void response.end('<html>Welcome</html>');
    if (fault?.kind === 'status')
      return json(
        fault.status,
        { error: { message: 'injected', type: 'server_error', code: null, param: null } },
        fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter },
      );
    if (texts.some((each) => server.refused.has(each)))
      return json(400, { error: { message: 'input refused', type: 'invalid_request_error', code: null } });
    const vectors = (await model.embed(texts)).map((vector) =>
      Array.from(vector, (part) => (purpose === 'query' ? -part : part)),
    );
    if (fault?.kind === 'short') vectors.pop();
    const counted = texts.reduce((sum, each) => sum + model.countTokens(each) + 2, 0);
    tokens += counted;
    if (path === '/v1/embeddings') {
      const data = vectors.map((embedding, index) => ({ object: 'embedding', index, embedding }));
      const told = fault?.kind === 'usage' ? fault.tokens : counted;
      return json(200, {
        object: 'list',
        model: 'small-1',
        data: fault?.kind === 'order' ? fault.change(data) : data,
        usage: { prompt_tokens: told, total_tokens: told },
      });
    }
    if (path === '/embed')
      return json(200, {
        model: 'multilingual-e5-large',
        vector_type: 'dense',
        data: vectors.map((values) => ({ vector_type: 'dense', values })),
        usage: { total_tokens: counted },
      });
    if (path === '/api/embed')
      return json(200, { model: 'nomic-embed-text', embeddings: vectors, prompt_eval_count: counted });
    return json(404, { error: { message: `no ${path} here` } });
  };

  const http = createServer((request, response) => {
    underway += 1;
    most = Math.max(most, underway);
    response.on('close', () => {
      underway -= 1;
    });
    void answer(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: EmbeddingServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    seen: [],
    faults: [],
    faultOf: () => undefined,
    delayMs: 0,
    refused: new Set(),
    metered: () => tokens,
    mostAtOnce: () => most,
    close: () =>
      new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
  return server;
};
