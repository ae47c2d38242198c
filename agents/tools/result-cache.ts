/**
 * What read tools answered, kept in the process (least recently used goes first) and shared through Redis. An entry
 * is fresh for the tool's `ttlMs`, and kept longer for whoever would rather have an old answer than none. Without Redis
 * it is the process's own.
 */
import { LRUCache } from 'lru-cache';
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import type { SharedCache } from '../../connectors/redis/shared-cache.ts';
import type { ToolDefinition } from '../../schemas/agent-definition.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { toolHashOf } from './tool-hash.ts';

export interface CachedResult {
  readonly output: JsonValue;
  /** Since the tool answered, milliseconds. */
  readonly ageMs: number;
}

export interface ResultCache {
  /** The last answer under a key of resultKey, at most `maxAgeMs` old; null where there is none. Never rejects. */
  find(key: string, maxAgeMs: number): Promise<CachedResult | null>;
  /** Kept for `keepMs`, unless it has more than a million characters. Never rejects, and is not waited for: the answer is there already. */
  keep(key: string, output: JsonValue, keepMs: number): void;
}

export interface ResultCacheSettings {
  /** None: the process's own results alone. */
  readonly shared?: SharedCache;
  /** Characters of all results kept in the process. Default 16 Mi. */
  readonly maxCharacters?: number;
  /** Milliseconds since the Unix epoch: ages are compared between processes. */
  readonly now?: () => number;
}

interface Entry {
  readonly text: string;
  /** When the tool answered, milliseconds since the Unix epoch. */
  readonly at: number;
  readonly until: number;
}

const MAX_CHARACTERS = 16 * 1024 * 1024;
/** Of one result: a larger one is asked of its tool again, rather than sent to Redis and back. */
const MAX_RESULT_CHARACTERS = 1024 * 1024;
const PREFIX = 'freshet:tool-result:';

/**
 * The key of a call's result. Its hash covers the tenant, so that no tenant finds another's (I9), the agent, as tools of two may be
 * described alike and ask different servers, and the tool's description and schema, so that a changed tool begins anew. Arguments count
 * as a value: the order of keys does not.
 */
export const resultKey = (
  { tenant, agent }: { readonly tenant: string; readonly agent: string },
  tool: ToolDefinition,
  input: JsonValue,
): string => hashOf({ tenant, agent, tool: tool.name, version: toolHashOf(tool), input });

export const openResultCache = (settings: ResultCacheSettings = {}): ResultCache => {
  const { shared } = settings;
  const now = settings.now ?? Date.now;
  const maxSize = settings.maxCharacters ?? MAX_CHARACTERS;
  const local = new LRUCache<string, Entry>({
    maxSize,
    maxEntrySize: Math.ceil(maxSize / 4),
    sizeCalculation: ({ text }, key) => text.length + key.length,
  });

  const localEntry = (key: string): Entry | null => {
    const entry = local.get(key);
    if (entry && entry.until > now()) return entry;
    local.delete(key);
    return null;
  };

  return {
    find: async (key, maxAgeMs) => {
      let entry = localEntry(key);
      // Another process may have asked the tool since.
      if (shared && (entry === null || now() - entry.at > maxAgeMs)) {
        const found = readEntry(await shared.get(PREFIX + key));
        if (found && found.until > now() && found.at > (entry?.at ?? Number.NEGATIVE_INFINITY)) {
          entry = found;
          local.set(key, found);
        }
      }
      if (entry === null) return null;
      // Clocks of two machines may be apart: no age is below 0.
      const ageMs = Math.max(0, now() - entry.at);
      // Parsed each time: whoever gets it may change it.
      return ageMs > maxAgeMs ? null : { output: JSON.parse(entry.text) as JsonValue, ageMs };
    },
    keep: (key, output, keepMs) => {
      const at = now();
      const entry: Entry = { text: JSON.stringify(output), at, until: at + keepMs };
      if (entry.text.length > MAX_RESULT_CHARACTERS) return;
      local.set(key, entry);
      void shared?.set(PREFIX + key, JSON.stringify(entry), keepMs);
    },
  };
};

/** Null for what is none of ours: Redis can be written by others. */
const readEntry = (text: string | null): Entry | null => {
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Partial<Entry> | null;
    if (typeof value?.text !== 'string' || typeof value.at !== 'number' || typeof value.until !== 'number')
      return null;
    JSON.parse(value.text);
    return { text: value.text, at: value.at, until: value.until };
  } catch {
    return null;
  }
};
