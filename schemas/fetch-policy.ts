/** What a tool's `fetch` may reach beside public addresses, and how much it may take. What it refuses: docs/tools.md. */
import { z } from 'zod';
import { LONGEST_TIMER_MS } from './clock.ts';
import { MAX_PAYLOAD_BYTES } from './payload-parts.ts';

export interface FetchPolicy {
  /** Hosts of one's own network, each by its exact `host:port`. Names that others answer for don't belong here: they may name any address. */
  readonly allowInside?: readonly string[];
  /** Of one answer, on its way and decoded. */
  readonly maxBytes?: number;
  /** Of one fetch with its redirects, until the last byte, milliseconds. The tool's own time holds beside it. */
  readonly timeoutMs?: number;
}

export const DEFAULT_FETCH = {
  allowInside: [],
  maxBytes: 1024 * 1024,
  timeoutMs: 10_000,
} as const satisfies Required<FetchPolicy>;

const HOST_AND_PORT = /^(\[[^\]]+\]|[^\s:*/\\?#@[\]]+):(\d{1,5})$/;

/** An entry of `allowInside` as addresses are held against it; null for anything but one host and one port. */
export const insideHostOf = (entry: string): string | null => {
  const [, host = '', port = ''] = HOST_AND_PORT.exec(entry) ?? [];
  const address = `http://${host}/`;
  if (!URL.canParse(address) || Number(port) < 1 || Number(port) > 65_535) return null;
  return `${new URL(address).hostname}:${Number(port)}`;
};

export const FETCH_POLICY_SCHEMA = z
  .strictObject({
    allowInside: z.array(
      z
        .string()
        .refine((entry) => insideHostOf(entry) !== null, 'one host and one port, such as tickets:8080'),
    ),
    maxBytes: z.int().min(1).max(MAX_PAYLOAD_BYTES),
    timeoutMs: z.int().min(1).max(LONGEST_TIMER_MS),
  })
  .partial();
