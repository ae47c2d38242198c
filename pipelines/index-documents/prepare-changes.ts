/**
 * Changes of one partition, in order → what is to be written for each. Order, mapping and the first gates are
 * decided here, before anything is embedded; what a batch decides for a document counts for its next change in it.
 */
import type { Change, UpsertChange } from '../../connectors/debezium/change.ts';
import type { ReadChange } from '../../connectors/debezium/read-change.ts';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { FreshetConfig, Row } from '../../schemas/config.ts';
import type { DeadLetterReason } from '../../schemas/dead-letters.ts';
import { documentIdOf, floorIdOf } from '../../schemas/document-id.ts';
import { orderOf } from '../../schemas/document-order.ts';
import type { Document } from '../../schemas/records.ts';
import { type ChunkLimits, chunkText } from './chunk-text.ts';
import { type ChunkPlan, knownVectors, planChunks } from './document-records.ts';
import { type Draft, type LastContent, mapRow } from './draft.ts';
import { type GateLimits, gateDraft, type Refusal } from './gates.ts';
import type { PausedTables } from './paused-tables.ts';

interface Place {
  readonly record: KafkaRecord;
  readonly source: string;
  readonly gatedAt: number;
}

export type Prepared = Place &
  (
    | { readonly kind: 'dropped' }
    | { readonly kind: 'superseded' }
    | { readonly kind: 'unreadable'; readonly reason: DeadLetterReason; readonly message: string }
    | { readonly kind: 'floor'; readonly change: Change }
    | { readonly kind: 'deleted'; readonly change: Change; readonly documentId: string }
    | {
        readonly kind: 'refused';
        readonly change: Change;
        readonly documentId: string;
        readonly tenant: string | null;
        readonly refusal: Refusal;
      }
    | {
        readonly kind: 'document';
        readonly change: Change;
        readonly documentId: string;
        readonly draft: Draft;
        readonly chunks: readonly ChunkPlan[];
        readonly known: ReadonlyMap<string, Buffer>;
      }
  );

export interface PrepareSettings {
  readonly config: Pick<FreshetConfig, 'sources'>;
  readonly model: string;
  readonly chunking: ChunkLimits;
  readonly limits: GateLimits;
  readonly clock: Clock;
  /** The columns' stored values as they are now; undefined where the row is gone. Errors: `source-unavailable`. */
  readonly readRow: (source: string, change: UpsertChange) => Promise<Row | undefined>;
}

/** What the owner of the partition holds, with what this batch has decided so far on top. */
export interface Holdings {
  standing(documentId: string): { readonly version: string } | undefined;
  newest(documentId: string): Document | undefined;
  floor(floorId: string): string | undefined;
  readonly pauses?: PausedTables;
}

export interface ChangeToPrepare {
  readonly record: KafkaRecord;
  readonly source: string;
  readonly read: ReadChange;
}

/** Errors: `source-unavailable` when a row has to be read and cannot be: try the batch again. */
export const prepareChanges = async (
  settings: PrepareSettings,
  holdings: Holdings,
  changes: readonly ChangeToPrepare[],
): Promise<readonly Prepared[]> => {
  const versions = new Map<string, string>();
  const contents = new Map<string, LastContent>();
  const floors = new Map<string, string>();
  const prepared: Prepared[] = [];

  for (const { record, source, read } of changes) {
    const place = { record, source, gatedAt: settings.clock() };
    if (read.kind === 'dropped') prepared.push({ ...place, kind: 'dropped' });
    else if (read.kind === 'mark') {
      holdings.pauses?.set(source, read.mark.table, read.mark.paused);
      prepared.push({ ...place, kind: 'dropped' });
    } else if (read.kind === 'unreadable')
      prepared.push({ ...place, kind: 'unreadable', reason: read.reason, message: read.message });
    else prepared.push(await prepareChange(place, read.change));
  }
  return prepared;

  async function prepareChange(place: Place, change: Change): Promise<Prepared> {
    const mapping = settings.config.sources[place.source]?.tables[change.table];
    if (!mapping || holdings.pauses?.isPaused(place.source, change.table))
      return { ...place, kind: 'dropped' };
    const floorId = floorIdOf(place.source, change.table);
    const floor = floors.get(floorId) ?? holdings.floor(floorId);
    if (change.kind === 'truncate') {
      // An equal floor may stand in this partition alone, after a send that failed half-way: it is appended to all again.
      if (floor !== undefined && floor > change.version) return { ...place, kind: 'superseded' };
      floors.set(floorId, change.version);
      return { ...place, kind: 'floor', change };
    }
    let documentId: string;
    try {
      documentId = documentIdOf(place.source, change.table, change.key);
    } catch {
      return {
        ...place,
        kind: 'unreadable',
        reason: 'bad-key',
        message: 'the primary key holds a lone surrogate',
      };
    }
    const decided = versions.get(documentId);
    const standing = decided === undefined ? holdings.standing(documentId) : { version: decided };
    if (orderOf(change.version, standing, floor) !== 'newer') return { ...place, kind: 'superseded' };
    if (change.kind === 'delete') {
      decide(documentId, change.version, {
        kind: 'deleted',
        title: '',
        text: '',
        tenant: null,
        metadata: {},
      });
      return { ...place, kind: 'deleted', change, documentId };
    }
    const newest = holdings.newest(documentId);
    const last = contents.get(documentId) ?? newest;
    let mapped = mapRow(mapping, change.row, change.unavailable, last);
    if (mapped.kind === 'needs-row') {
      const row = await settings.readRow(place.source, change);
      // The row is gone: the delete that took it is behind this change on the same partition.
      if (!row) return { ...place, kind: 'superseded' };
      mapped = mapRow(mapping, { ...change.row, ...row }, [], undefined);
    }
    if (mapped.kind === 'missing-columns' && holdings.pauses) {
      // What it would make of the row is wrong in every row: the table waits for a person, the others go on.
      holdings.pauses.find(place.source, change.table, mapped.columns);
      return { ...place, kind: 'dropped' };
    }
    const gatedAt = settings.clock();
    const draft = mapped.kind === 'draft' ? mapped.draft : undefined;
    const refusal: Refusal | null = draft
      ? gateDraft(draft, settings.limits)
      : {
          gate: 'schema',
          reason: 'mapping-failed',
          detail:
            mapped.kind === 'failed'
              ? mapped.message
              : mapped.kind === 'missing-columns'
                ? `no column ${mapped.columns.join(', ')}`
                : 'the row was not complete',
        };
    if (refusal || !draft) {
      decide(documentId, change.version, {
        kind: 'refused',
        title: '',
        text: '',
        tenant: null,
        metadata: {},
      });
      return {
        ...place,
        gatedAt,
        kind: 'refused',
        change,
        documentId,
        tenant: draft?.tenant || null,
        refusal: refusal as Refusal,
      };
    }
    decide(documentId, change.version, { kind: 'document', ...draft });
    const titleTokens = settings.chunking.countTokens(draft.title);
    const slices = chunkText(draft.text, {
      ...settings.chunking,
      maxTokens: Math.max(16, settings.chunking.maxTokens - titleTokens),
    });
    const chunks = planChunks(draft, slices, settings.model);
    return {
      ...place,
      gatedAt,
      kind: 'document',
      change,
      documentId,
      draft,
      chunks,
      known: knownVectors(newest, settings.model),
    };
  }

  function decide(documentId: string, version: string, content: LastContent): void {
    versions.set(documentId, version);
    contents.set(documentId, content);
  }
};
