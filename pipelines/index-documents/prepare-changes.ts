/**
 * Changes of one partition, in order → what is to be written for each. Order, mapping and the first gates are
 * decided here, before anything is embedded; what a batch decides for a document counts for its next change in it.
 */
import type { Change, UpsertChange } from '../../connectors/debezium/change.ts';
import type { ReadChange } from '../../connectors/debezium/read-change.ts';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { Clock } from '../../schemas/clock.ts';
import {
  type FreshetConfig,
  gatesOfTable,
  type MappedTables,
  mappingOfTable,
  type Row,
} from '../../schemas/config.ts';
import type { DeadLetterReason } from '../../schemas/dead-letters.ts';
import { documentIdIfAny, floorIdOf, tablePrefixOf } from '../../schemas/document-id.ts';
import { orderOf } from '../../schemas/document-order.ts';
import { hasCode } from '../../schemas/errors.ts';
import type { GateSettings } from '../../schemas/gate-settings.ts';
import { isWaived } from '../../schemas/gates.ts';
import type { Document } from '../../schemas/records.ts';
import type { FindRelease } from '../../schemas/release-decision.ts';
import { RESULT_SOURCE } from '../../schemas/result-source.ts';
import { isSameEpoch } from '../../schemas/version.ts';
import { withoutSecrets } from '../gates/finding.ts';
import { fingerprintOf } from '../gates/fingerprint.ts';
import type { RecordLimits } from '../gates/record-gates.ts';
import { contentHashOf, type Judgement, judgeDraft, type Refusal } from '../gates/run-gates.ts';
import type { VolumeKind, VolumeWatch } from '../gates/volume-state.ts';
import { batchLookalikes, type HeldLookalikes } from './batch-lookalikes.ts';
import { asCaptured, type Bearer, carryFrom, isCarriedOver, readAnew } from './carried-content.ts';
import type { ChunkLimits } from './chunk-text.ts';
import { type ChunkPlan, chunkDraft, type GateMarks, knownVectors } from './document-records.ts';
import { type Draft, type LastContent, type Mapped, mapRow } from './draft.ts';
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
    | {
        readonly kind: 'deleted';
        readonly change: Change;
        readonly documentId: string;
        readonly wasRefused: boolean;
      }
    | {
        /** Refused for good by a person. */
        readonly kind: 'given-up';
        readonly change: Change;
        readonly documentId: string;
        readonly tenant: string | null;
      }
    | (Judged & {
        readonly kind: 'refused';
        readonly tenant: string | null;
        readonly refusal: Refusal;
      })
    | (Judged & {
        readonly kind: 'document';
        readonly wasRefused: boolean;
        readonly draft: Draft;
        readonly marks: GateMarks;
        /** What is judged of the vectors; a release of what they were refused for lets them pass. */
        readonly drift: GateSettings['drift'];
        readonly released: boolean;
        readonly chunks: readonly ChunkPlan[];
        readonly known: ReadonlyMap<string, Buffer>;
      })
  );

interface Judged {
  readonly change: Change;
  readonly documentId: string;
  /** Empty where the mapping made nothing. */
  readonly contentHash: string;
  readonly outcomes: Judgement['outcomes'];
  /** What of it the change left out and the last record told. */
  readonly carried: Document['carried'];
  /** What may stay searchable if this is refused, of the model of now: undefined where the table's policy is that it goes. */
  readonly keep: { readonly newest: Document | undefined; readonly floor: string | undefined } | undefined;
}

export interface PrepareSettings {
  readonly config: MappedTables & Pick<FreshetConfig, 'gates'>;
  readonly model: string;
  readonly chunking: ChunkLimits;
  readonly limits: RecordLimits;
  readonly lookalikes: HeldLookalikes;
  readonly volume: VolumeWatch;
  readonly releaseOf: FindRelease;
  readonly clock: Clock;
  /** The row as it is now, all of it; undefined where it is gone. Errors: `source-unavailable`, `table-unreadable`. */
  readonly readRow: (source: string, change: UpsertChange) => Promise<Row | undefined>;
}

/** What the owner of the partition holds, with what this batch has decided so far on top. */
export interface Holdings {
  standing(documentId: string): { readonly version: string; readonly kind: Document['kind'] } | undefined;
  newest(documentId: string): Document | undefined;
  floor(floorId: string): string | undefined;
  readonly pauses?: PausedTables;
}

export interface ChangeToPrepare {
  readonly record: KafkaRecord;
  readonly source: string;
  readonly read: ReadChange;
  /** A person gave it up: nothing of the document is to be found any more, whatever the gates say. */
  readonly dropped?: boolean;
}

/** Errors: `source-unavailable` when a row has to be read and cannot be: try the batch again. */
export const prepareChanges = async (
  settings: PrepareSettings,
  holdings: Holdings,
  changes: readonly ChangeToPrepare[],
): Promise<readonly Prepared[]> => {
  const contents = new Map<string, Decided>();
  const floors = new Map<string, string>();
  const prepared: Prepared[] = [];
  const lookalikes = batchLookalikes(settings.lookalikes);

  for (const { record, source, read, dropped = false } of changes) {
    const place = { record, source, gatedAt: settings.clock() };
    if (read.kind === 'dropped') prepared.push({ ...place, kind: 'dropped' });
    else if (read.kind === 'mark') {
      holdings.pauses?.set(source, read.mark, record.offset);
      if (!read.mark.paused) settings.volume.forget({ source, table: read.mark.table });
      prepared.push({ ...place, kind: 'dropped' });
    } else if (read.kind === 'unreadable')
      prepared.push({ ...place, kind: 'unreadable', reason: read.reason, message: read.message });
    else prepared.push(await prepareChange(place, read.change, dropped));
  }
  return prepared;

  async function prepareChange(place: Place, change: Change, dropped: boolean): Promise<Prepared> {
    const mapping = mappingOfTable(settings.config, place.source, change.table);
    // Of what is mapped no more there may be a result that a person withdraws.
    const isWithdrawn = place.source === RESULT_SOURCE && change.kind === 'delete';
    // What a person gives up goes, though its table is paused: nothing of its row is needed, and nobody would try it again.
    const isPassedOver = !dropped && holdings.pauses?.isPaused(place.source, change.table);
    if ((!mapping && !isWithdrawn) || isPassedOver) return { ...place, kind: 'dropped' };
    const floorId = floorIdOf(place.source, change.table);
    const floor = floors.get(floorId) ?? holdings.floor(floorId);
    if (change.kind === 'truncate') {
      // An equal floor may stand in this partition alone, after a send that failed half-way: it is appended to all again.
      if (floor !== undefined && floor > change.version) return { ...place, kind: 'superseded' };
      floors.set(floorId, change.version);
      lookalikes.clear(tablePrefixOf(place.source, change.table));
      return { ...place, kind: 'floor', change };
    }
    const documentId = documentIdIfAny(place.source, change.table, change.key);
    if (documentId === undefined)
      return {
        ...place,
        kind: 'unreadable',
        reason: 'bad-key',
        message: 'the primary key holds a lone surrogate',
      };
    if (documentId.length > MOST_ID_CHARACTERS)
      return {
        ...place,
        kind: 'unreadable',
        reason: 'bad-key',
        message: `the primary key is too long to name a document by: ${documentId.length} characters`,
      };
    const held = holdings.standing(documentId);
    const standing = contents.get(documentId) ?? held;
    if (orderOf(change.version, standing, floor) !== 'newer') {
      const over = change.kind === 'upsert' && (contents.get(documentId) ?? holdings.newest(documentId));
      return over && isCarriedOver(change, over)
        ? prepareChange(place, readAnew(change, over), dropped)
        : { ...place, kind: 'superseded' };
    }
    const gates = gatesOfTable(settings.config, place.source, change.table);
    const stood = standing?.kind;
    const wasRefused = stood === 'refused';
    if (change.kind === 'delete') {
      if (stood === 'document' && burst('deletes')) return { ...place, kind: 'dropped' };
      decide(place, documentId, change.version, { ...NO_CONTENT, kind: 'deleted' });
      return { ...place, kind: 'deleted', change, documentId, wasRefused };
    }
    if (!mapping) return { ...place, kind: 'dropped' };
    const newest = holdings.newest(documentId);
    if (dropped) {
      decide(place, documentId, change.version, NO_CONTENT);
      return { ...place, kind: 'given-up', change, documentId, tenant: newest?.tenant ?? null };
    }
    const release = settings.releaseOf(documentId);
    // What was released is all that the row says: of what stands, something may have been taken out.
    const isToRead = change.unsure || change.late || release !== undefined;
    const last = isToRead ? undefined : lastOf(place, change, documentId, newest);
    let mapped: Mapped = change.late
      ? { kind: 'needs-row' }
      : mapRow(mapping, change.row, change.unavailable, last);
    let carried = last?.kind === 'document' ? carryFrom(change, last) : {};
    if (mapped.kind === 'needs-row') {
      const row = await readRow(place.source, change);
      if (row === 'unreadable') return { ...place, kind: 'dropped' };
      // The row is gone: the delete that took it is behind this change on the same partition.
      if (!row) return { ...place, kind: 'superseded' };
      mapped = mapRow(mapping, change.late ? row : asCaptured(change.row, row), [], undefined);
      carried = {};
    }
    if (mapped.kind === 'missing-columns' && holdings.pauses) {
      // What it would make of the row is wrong in every row: the table waits for a person, the others go on.
      holdings.pauses.find(place.source, change.table, mapped.columns);
      return { ...place, kind: 'dropped' };
    }
    const gatedAt = settings.clock();
    const draft = mapped.kind === 'draft' ? mapped.draft : undefined;
    const contentHash = draft ? contentHashOf(draft) : '';
    const released = draft && release?.contentHash === contentHash ? release.gate : undefined;
    const stands = refusesLookalikes(gates) && newest?.kind === 'document' ? newest.fingerprint : null;
    const context = {
      settings: gates,
      documentId,
      lookalikes: lookalikes.besides(stands),
      steps: () => undefined,
    };
    const judgement = draft ? judgeDraft(draft, context, released) : unmapped(mapped);
    // Of what stands, something may have been taken out: what a person is asked about is what the row says, and a release is of that.
    if (draft && judgement.refusal && last && change.unavailable.length > 0)
      return prepareChange(place, { ...change, unsure: true }, dropped);
    const emptied = draft?.text.trim() === '' || judgement.refusal?.gate === 'schema';
    if (stood === 'document' && emptied && burst('emptied-rows')) return { ...place, kind: 'dropped' };
    const judged: Place & Judged = {
      record: place.record,
      source: place.source,
      gatedAt,
      change,
      documentId,
      contentHash,
      outcomes: judgement.outcomes,
      carried,
      keep:
        gates.onRefusal === 'keep'
          ? { newest: newest?.model === settings.model ? newest : undefined, floor }
          : undefined,
    };
    if (judgement.refusal || !judgement.draft) {
      decide(place, documentId, change.version, { ...NO_CONTENT, carried });
      return {
        ...judged,
        kind: 'refused',
        tenant: (mapped.kind === 'failed' ? mapped.tenant : draft?.tenant) || null,
        refusal: judgement.refusal as Refusal,
      };
    }
    const embedded = toEmbed(judged, judgement.draft, judgement.flags, gates.duplicates, newest);
    return Object.assign(judged, embedded, {
      wasRefused,
      drift: gates.drift,
      released: isWaived('embedding', released),
    });

    function burst(kind: VolumeKind): boolean {
      // Where nobody can pause a table, a burst is no reason to lose its changes.
      if (gates.volume.action === 'off' || !holdings.pauses) return false;
      // Whoever resumed the table meant its rows as they are now; counted, they would pause it again.
      if (change.kind === 'upsert' && change.read && holdings.pauses.isTakenAgain(place.source, change.table))
        return false;
      const table = { source: place.source, table: change.table };
      const { partition, offset } = place.record;
      const reason = settings.volume.note(table, kind, gates.volume, {
        at: change.committedAt,
        position: { partition, offset },
      });
      if (reason !== null) holdings.pauses.pause(place.source, change.table, reason);
      return reason !== null;
    }
  }

  /**
   * What the columns that a change left out may be taken from. Where changes were passed over since it was made (another epoch, a table
   * that was paused or made anew) it may be older than the row, and a snapshot need not read that row: a change beside it stands for it.
   */
  function lastOf(
    { source }: Place,
    { table, version }: UpsertChange,
    documentId: string,
    newest: Document | undefined,
  ): (LastContent & Bearer) | undefined {
    const decided = contents.get(documentId);
    const last = decided ?? newest;
    const offset = decided?.offset ?? newest?.change.offset;
    if (!last || offset === undefined || !isSameEpoch(last.version, version)) return undefined;
    return holdings.pauses?.isDoubted(source, table, offset) ? undefined : last;
  }

  /** A table that the source no longer lets anyone read waits for a person; the others of this partition go on. */
  async function readRow(source: string, change: UpsertChange): Promise<Row | undefined | 'unreadable'> {
    try {
      return await settings.readRow(source, change);
    } catch (error) {
      if (!holdings.pauses || !hasCode(error, 'table-unreadable')) throw error;
      holdings.pauses.pause(source, change.table, error.message);
      return 'unreadable';
    }
  }

  function toEmbed(
    judged: Place & Judged,
    draft: Draft,
    flags: readonly string[],
    duplicates: { readonly same: string; readonly near: string },
    newest: Document | undefined,
  ) {
    const { documentId, change } = judged;
    const compared = duplicates.same !== 'off' || duplicates.near !== 'off';
    const fingerprint = compared ? fingerprintOf(draft.text) : null;
    decide(judged, documentId, change.version, { kind: 'document', ...draft, carried: judged.carried });
    if (fingerprint) lookalikes.decide(documentId, { tenant: draft.tenant, fingerprint });
    const chunks = chunkDraft(draft, settings.chunking, settings.model);
    const marks = { flags, fingerprint };
    const known = knownVectors(newest, settings.model);
    return { kind: 'document' as const, draft, marks, chunks, known };
  }

  function decide(
    { record: { offset } }: Place,
    documentId: string,
    version: string,
    content: Omit<Decided, 'version' | 'offset'>,
  ): void {
    contents.set(documentId, { ...content, version, offset });
    lookalikes.decide(documentId, null);
  }
};

const refusesLookalikes = ({ duplicates: { same, near } }: GateSettings): boolean =>
  same === 'quarantine' || near === 'quarantine';

/** What the batch made of a document so far. */
type Decided = LastContent & Bearer & { readonly offset: number };

/** An id stands in a record three times: as its key, in its headers and in its value. */
const MOST_ID_CHARACTERS = 1024 * 1024;

const NO_CONTENT: Omit<Decided, 'version' | 'offset'> = {
  ...{ kind: 'refused', title: '', text: '', tenant: null, metadata: {}, carried: {} },
};
const NOTHING_MADE = {
  draft: undefined,
  flags: [],
  outcomes: [{ gate: 'schema', outcome: 'refused' }],
} as const;

/** What a mapping says when it fails may quote the row. */
const unmapped = (mapped: Mapped) => {
  const why =
    mapped.kind === 'failed'
      ? withoutSecrets(mapped.message).slice(0, 300)
      : mapped.kind === 'missing-columns'
        ? `no column ${mapped.columns.join(', ')}`
        : 'the row was not complete';
  return {
    ...NOTHING_MADE,
    refusal: { gate: 'schema', reason: 'mapping-failed', detail: why, finding: null } satisfies Refusal,
  };
};
