/**
 * Long-term memories as documents: a source called `memory` whose change topic is written by agents, not by Debezium. A memory
 * passes gates, is embedded and applied as any other document, and is found by a search for memories of its agent alone.
 */
import type { Document } from './records.ts';
import type { SearchRequest } from './search.ts';
import type { TableMapping } from './table-mapping.ts';
import { makeVersion, parseVersion, type Version } from './version.ts';

/** No database may be configured under this name. */
export const MEMORY_SOURCE = 'memory';
export const MEMORY_TABLE = 'memory.memories';

/** Positions are our own times, so there is one epoch. */
const EPOCH = 1;

/** What a person forgot stays forgotten, however late an older writer comes: it is above every time. */
export const memoryVersion = ({ state, at }: { readonly state: string; readonly at: number }): Version =>
  makeVersion(EPOCH, [state === 'forgotten' ? 1n : 0n, BigInt(Math.max(0, Math.trunc(at)))]);

/** Whether a version is the end that a person gave it. */
export const isForgotten = (version: string): boolean => parseVersion(version).position[0] === 1n;

export const MEMORY_MAPPING: TableMapping = {
  title: (row) => String(row.title),
  text: (row) => String(row.text),
  tenant: (row) => String(row.tenant),
  metadata: (row) => ({
    kind: 'memory',
    memoryKind: String(row.kind),
    agent: String(row.agent),
    origin: String(row.origin),
    uses: Number(row.uses),
    at: Number(row.at),
  }),
  // Agents prune by the thousand, and say much the same again and again; what stands here was judged nowhere else.
  gates: {
    onRefusal: 'remove',
    required: ['text', 'metadata.agent'],
    minTextCharacters: 0,
    language: { allow: [] },
    duplicates: { same: 'off', near: 'off' },
    drift: { action: 'off' },
    volume: { action: 'off' },
  },
};

const MEMORIES = 'freshet:memory/';
const PLAIN = 'freshet:plain/';

/**
 * Whose rows a document's are: its tenant's, or those of one agent's memories in that tenant. Injective, whatever a row calls
 * its tenant, so that no document passes for a memory, and none of one agent or tenant for another's (I9).
 */
const spaceOf = (tenant: string, memoriesOf: string | undefined): string =>
  memoriesOf !== undefined
    ? `${MEMORIES}${encodeURIComponent(memoriesOf)}/${tenant}`
    : tenant.startsWith(MEMORIES) || tenant.startsWith(PLAIN)
      ? `${PLAIN}${tenant}`
      : tenant;

export const spaceOfDocument = (record: Pick<Document, 'source' | 'tenant' | 'metadata'>): string =>
  spaceOf(record.tenant ?? '', record.source === MEMORY_SOURCE ? (record.metadata.agent ?? '') : undefined);

export const spaceOfSearch = (request: Pick<SearchRequest, 'tenant' | 'memoriesOf'>): string =>
  spaceOf(request.tenant, request.memoriesOf);
