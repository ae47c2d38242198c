/**
 * Answers of Anthropic's Messages API as documented (streaming, version 2023-06-01): server-sent events message_start,
 * content_block_start, content_block_delta (text_delta, input_json_delta), content_block_stop, message_delta with
 * stop_reason and output tokens, message_stop; `ping` and `error` may come at any place. Errors before it are JSON
 * {type: "error", error: {type, message}}; 529 is overloaded_error.
 */
import type { ServerResponse } from 'node:http';
import type { Script } from './model-server.ts';

const event = (type: string, fields: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const begin = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const usage = {
    input_tokens: 15,
    cache_creation_input_tokens: 6,
    cache_read_input_tokens: 10,
    output_tokens: 1,
  };
  response.write(
    event('message_start', {
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'claude-haiku-4-5',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage,
      },
    }),
  );
  response.write(event('ping'));
};

const end = (response: ServerResponse, reason: string) => {
  response.write(
    event('message_delta', {
      delta: { stop_reason: reason, stop_sequence: null },
      usage: { output_tokens: 7 },
    }),
  );
  response.end(event('message_stop'));
};

const textPieces = (index: number, pieces: readonly string[]) =>
  [
    event('content_block_start', { index, content_block: { type: 'text', text: '' } }),
    ...pieces.map((text) => event('content_block_delta', { index, delta: { type: 'text_delta', text } })),
    event('content_block_stop', { index }),
  ].join('');

/** Text in pieces, the usage, the end. */
export const answer =
  (pieces: readonly string[], reason = 'end_turn'): Script =>
  (response) => {
    begin(response);
    response.write(textPieces(0, pieces));
    end(response, reason);
  };

const thinking = (index: number, pieces: readonly string[], signature: string) =>
  [
    event('content_block_start', { index, content_block: { type: 'thinking', thinking: '', signature: '' } }),
    ...pieces.map((text) =>
      event('content_block_delta', { index, delta: { type: 'thinking_delta', thinking: text } }),
    ),
    event('content_block_delta', { index, delta: { type: 'signature_delta', signature } }),
    event('content_block_stop', { index }),
  ].join('');

/** Thinks in each of the forms that there are, and calls a tool: signed, redacted, a word, signed without a text, the call. */
export const thinkAndCall: Script = (response) => {
  begin(response);
  response.write(thinking(0, ['It is a ', 'router.'], 'c2lnbmVkLTE='));
  const redacted = { type: 'redacted_thinking', data: 'ZW5jcnlwdGVk' };
  response.write(event('content_block_start', { index: 1, content_block: redacted }));
  response.write(event('content_block_stop', { index: 1 }));
  response.write(textPieces(2, ['I look ', 'it up.']));
  response.write(thinking(3, [], 'c2lnbmVkLTI='));
  const call = { type: 'tool_use', id: 'toolu_1', name: 'search', input: {} };
  response.write(event('content_block_start', { index: 4, content_block: call }));
  const delta = { type: 'input_json_delta', partial_json: '{"query": "X200"}' };
  response.write(event('content_block_delta', { index: 4, delta }));
  response.write(event('content_block_stop', { index: 4 }));
  end(response, 'tool_use');
};

/** A few words, then tool calls whose arguments come in pieces. */
export const callTools =
  (
    calls: readonly { id: string; name: string; pieces: readonly string[] }[],
    words: readonly string[] = ['I look ', 'it up.'],
  ): Script =>
  (response) => {
    begin(response);
    response.write(textPieces(0, words));
    for (const [at, { id, name, pieces }] of calls.entries()) {
      const index = at + 1;
      const content_block = { type: 'tool_use', id, name, input: {} };
      response.write(event('content_block_start', { index, content_block }));
      for (const partial_json of pieces)
        response.write(
          event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json } }),
        );
      response.write(event('content_block_stop', { index }));
    }
    end(response, 'tool_use');
  };

export const refuse =
  (status: number, type: string, headers: Record<string, string> = {}, message = 'refused'): Script =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_1' }));
  };

/** Part of an answer, then the connection is gone. */
export const breakOff: Script = async (response) => {
  begin(response);
  response.write(event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }));
  response.write(event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'The' } }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  response.destroy();
};

/** Part of an answer, then a clean end without the last events. */
export const endEarly: Script = (response) => {
  begin(response);
  response.end(textPieces(0, ['The return']));
};

/** Part of an answer, then the provider gives up. */
export const failMidway: Script = (response) => {
  begin(response);
  response.write(textPieces(0, ['The return']));
  response.end(event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }));
};

/** A tool call that is cut off inside its arguments. */
export const breakOffInArguments: Script = async (response) => {
  begin(response);
  const content_block = { type: 'tool_use', id: 'toolu_1', name: 'search', input: {} };
  response.write(event('content_block_start', { index: 0, content_block }));
  const delta = { type: 'input_json_delta', partial_json: '{"query": "X2' };
  response.write(event('content_block_delta', { index: 0, delta }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  response.destroy();
};

/** Events that are no JSON. */
export const sendNoise: Script = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end('event: message_start\ndata: {"type": "message_st\n\n');
};

/** Part of an answer, then silence. */
export const hang: Script = (response) => begin(response);
