import type { ServerResponse } from 'node:http';
import { type Script, startModelServer } from './model-server.ts';

/**
 * A local server that speaks the chat-completions protocol as documented: POST {base}/chat/completions answers
 * server-sent events `data: {object: "chat.completion.chunk", choices: [{delta, finish_reason}]}`, with
 * stream_options.include_usage a last chunk without choices that carries the usage, then `data: [DONE]`.
 * Each request is answered by the next script.
 */
export const startChatServer = async () => {
  const server = await startModelServer();
  return { ...server, baseUrl: `${server.origin}/v1` };
};

const USAGE = {
  prompt_tokens: 31,
  completion_tokens: 7,
  total_tokens: 38,
  prompt_tokens_details: { cached_tokens: 16 },
};

const chunk = (fields: object) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'small-1', ...fields })}\n\n`;

const choice = (delta: object, finish: string | null = null) =>
  chunk({ choices: [{ index: 0, delta, finish_reason: finish }] });

const begin = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(choice({ role: 'assistant', content: '' }));
};

/** Text in pieces, the usage, the end. */
export const answer =
  (pieces: readonly string[], finish = 'stop', usage: object | null = USAGE): Script =>
  (response) => {
    begin(response);
    for (const piece of pieces) response.write(choice({ content: piece }));
    response.write(choice({}, finish));
    if (usage !== null) response.write(chunk({ choices: [], usage }));
    response.end('data: [DONE]\n\n');
  };

/** Tool calls whose arguments come in pieces, interleaved by index. */
export const callTools =
  (
    calls: readonly { id: string; name: string; pieces: readonly string[] }[],
    finish = 'tool_calls',
  ): Script =>
  (response) => {
    begin(response);
    for (const [index, { id, name }] of calls.entries()) {
      response.write(
        choice({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
      );
    }
    for (const [index, { pieces }] of calls.entries()) {
      for (const piece of pieces)
        response.write(choice({ tool_calls: [{ index, function: { arguments: piece } }] }));
    }
    response.write(choice({}, finish));
    response.write(chunk({ choices: [], usage: USAGE }));
    response.end('data: [DONE]\n\n');
  };

/** An error as providers send it. */
export const refuse =
  (status: number, error: object, headers: Record<string, string> = {}): Script =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(
      JSON.stringify({ error: { message: 'refused', type: 'error', param: null, code: null, ...error } }),
    );
  };

/** Part of an answer, then the connection is gone. */
export const breakOff: Script = async (response) => {
  begin(response);
  response.write(choice({ content: 'The return' }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  response.destroy();
};

/** Part of an answer, then a clean end without a finish. */
export const endEarly: Script = (response) => {
  begin(response);
  response.end(choice({ content: 'The return' }));
};

/** Part of an answer, then an error as a chunk. */
export const failMidway: Script = (response) => {
  begin(response);
  response.write(choice({ content: 'The return' }));
  response.end(
    `data: ${JSON.stringify({ error: { message: 'The server had an error', type: 'server_error', code: null } })}\n\n`,
  );
};

/** Part of an answer, then silence. */
export const hang: Script = (response) => {
  begin(response);
  response.write(choice({ content: 'The' }));
};

/** No answer at all. */
export const staySilent: Script = () => {};

/** A success status from something that is no model. */
export const sendPage: Script = (response) => {
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end('<html>Welcome</html>');
};
