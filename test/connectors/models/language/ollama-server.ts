/**
 * Answers of Ollama's POST /api/chat as documented: one JSON object a line, `message.content` in pieces, tool calls whole
 * with their arguments as an object, and a last line with `done`, `done_reason` and token counts. Errors are
 * {"error": "…"}, with a status before the stream, as a line in the middle of it.
 */
import type { ServerResponse } from 'node:http';
import type { Script } from './model-server.ts';

const line = (fields: object) =>
  `${JSON.stringify({ model: 'small', created_at: '2026-11-21T00:00:00Z', ...fields })}\n`;

const word = (content: string) => line({ message: { role: 'assistant', content }, done: false });

const begin = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
};

const COUNTS = { total_duration: 9, prompt_eval_count: 31, eval_count: 7 };

const lastLine = (reason: string, counts: object) =>
  line({ message: { role: 'assistant', content: '' }, done: true, done_reason: reason, ...counts });

export const answer =
  (pieces: readonly string[], reason = 'stop', counts: object = COUNTS): Script =>
  (response) => {
    begin(response);
    for (const piece of pieces) response.write(word(piece));
    response.end(lastLine(reason, counts));
  };

export const callTools =
  (calls: readonly { id?: string; name: string; arguments: object }[]): Script =>
  (response) => {
    begin(response);
    const tool_calls = calls.map(({ id, name, arguments: given }) => ({
      ...(id === undefined ? {} : { id }),
      function: { name, arguments: given },
    }));
    response.write(line({ message: { role: 'assistant', content: '', tool_calls }, done: false }));
    response.end(lastLine('stop', COUNTS));
  };

/** A line in two pieces, cut inside a character of several bytes. */
export const answerInBytes: Script = async (response) => {
  begin(response);
  const bytes = Buffer.from(word('Zurück 30 €.'));
  const cut = bytes.indexOf(0xe2) + 1;
  response.write(bytes.subarray(0, cut));
  await new Promise((resolve) => setTimeout(resolve, 20));
  response.write(bytes.subarray(cut));
  response.end(lastLine('stop', COUNTS).trimEnd());
};

export const refuse =
  (status: number, error: string, headers: Record<string, string> = {}): Script =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ error }));
  };

export const breakOff: Script = async (response) => {
  begin(response);
  response.write(word('The return'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  response.destroy();
};

export const endEarly: Script = (response) => {
  begin(response);
  response.end(word('The return'));
};

export const failMidway: Script = (response) => {
  begin(response);
  response.write(word('The return'));
  response.end(line({ error: 'llama runner process has terminated' }));
};

/** A line that is cut off in the middle. */
export const sendHalfLine: Script = (response) => {
  begin(response);
  response.write(word('The return'));
  response.end('{"message": {"role": "assis');
};

/** Lines that are JSON, but of another protocol. */
export const sendOther: Script = (response) => {
  begin(response);
  response.end('{"choices": []}\n');
};

export const sendPage: Script = (response) => {
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end('<html>Welcome</html>');
};

/** One line without an end. */
export const sendEndlessLine: Script = async (response) => {
  begin(response);
  const piece = 'x'.repeat(1024 * 1024);
  while (!response.destroyed) await new Promise<void>((resolve) => response.write(piece, () => resolve()));
};

export const hang: Script = (response) => {
  begin(response);
  response.write(word('The'));
};
