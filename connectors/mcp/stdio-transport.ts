/**
 * The pipes of an MCP server's process: one JSON-RPC message a line. Unlike the SDK's own, a line has a bound, and what
 * the process last said on stderr is kept for whoever has to find out why it died.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { getDefaultEnvironment } from '@modelcontextprotocol/sdk/client/stdio.js';
import { deserializeMessage, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { toError } from '../../schemas/errors.ts';
import type { McpServer } from './mcp-server.ts';

type Process = ChildProcessByStdio<Writable, Readable, Readable>;

export interface StdioTransport extends Transport {
  /** The last of what the process said on stderr. */
  lastWords(): string;
}

const LAST_WORDS = 500;
/** Between asking a process to end, and ending it. */
const GRACE_MS = 1_000;

/** @param maxCharacters of one message; a longer one ends the process */
export const createStdioTransport = (
  server: Extract<McpServer, { readonly kind: 'stdio' }>,
  maxCharacters: number,
): StdioTransport => {
  const decoder = new StringDecoder('utf8');
  let child: Process | undefined;
  let held = '';
  let words = '';

  const take = (line: string): void => {
    // Servers that talk on stdout are common enough: what is no message is passed over.
    if (!line.trimStart().startsWith('{')) return;
    try {
      const message = deserializeMessage(line);
      if (message) transport.onmessage?.(message);
    } catch (thrown) {
      transport.onerror?.(toError(thrown));
    }
  };

  const onOutput = (bytes: Buffer): void => {
    const lines = (held + decoder.write(bytes)).split('\n');
    held = lines.pop() ?? '';
    for (const line of [...lines, held]) {
      if (line.length <= maxCharacters) continue;
      held = '';
      transport.onerror?.(new Error(`it sent a message of over ${maxCharacters} characters`));
      child?.kill('SIGKILL');
      return;
    }
    for (const line of lines) take(line);
  };

  const transport: StdioTransport = {
    lastWords: () => words.trim(),
    start: () =>
      new Promise((resolve, reject) => {
        const started = spawn(server.command, [...(server.args ?? [])], {
          env: { ...getDefaultEnvironment(), ...server.environment },
          stdio: ['pipe', 'pipe', 'pipe'],
          ...(server.cwd === undefined ? {} : { cwd: server.cwd }),
        });
        child = started;
        started.stdout.on('data', onOutput);
        started.stderr.on('data', (bytes: Buffer) => {
          words = (words + bytes.toString('utf8')).slice(-LAST_WORDS);
        });
        for (const pipe of [started.stdin, started.stdout, started.stderr])
          pipe.on('error', (error: Error) => transport.onerror?.(error));
        started.once('spawn', resolve);
        started.once('error', reject);
        started.once('close', () => {
          child = undefined;
          transport.onclose?.();
        });
      }),
    send: (message) =>
      new Promise((resolve, reject) => {
        if (!child?.stdin.writable) return reject(new Error('its process is gone'));
        child.stdin.write(serializeMessage(message), (error) => (error ? reject(error) : resolve()));
      }),
    close: async () => {
      const ending = child;
      if (!ending) return;
      const gone = new Promise<void>((resolve) => ending.once('close', () => resolve()));
      ending.stdin.end();
      ending.kill('SIGTERM');
      const timer = setTimeout(() => {
        ending.kill('SIGKILL');
        // A process that it started may hold the pipes' other ends: nobody waits for that one.
        for (const pipe of [ending.stdin, ending.stdout, ending.stderr]) pipe.destroy();
      }, GRACE_MS);
      await gone;
      clearTimeout(timer);
    },
  };
  return transport;
};
