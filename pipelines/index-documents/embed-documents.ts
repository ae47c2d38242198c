/** Prepared changes → records, with vectors for the chunks whose text is new. A vector that is unfit refuses its document. */

import type { Change } from '../../connectors/debezium/change.ts';
import { checkVector } from '../../connectors/models/embedding/check-vector.ts';
import type { EmbeddingCache } from '../../connectors/models/embedding/embedding-cache.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { Document, DocumentTiming } from '../../schemas/records.ts';
import { isRevision } from '../../schemas/version.ts';
import type { DriftJudge } from '../gates/drift-state.ts';
import { findingOf } from '../gates/finding.ts';
import { gateVectors } from '../gates/record-gates.ts';
import type { Refusal } from '../gates/run-gates.ts';
import {
  chunkOf,
  deletedMarker,
  documentRecord,
  floorRecord,
  refusedMarker,
  type Subject,
} from './document-records.ts';
import type { Prepared } from './prepare-changes.ts';

export type Outcome =
  | { readonly kind: 'dropped' | 'superseded'; readonly from: Prepared }
  | { readonly kind: 'dead-lettered'; readonly from: Extract<Prepared, { kind: 'unreadable' }> }
  | {
      readonly kind: 'append';
      readonly from: Prepared;
      readonly record: Document;
    }
  | {
      readonly kind: 'quarantined';
      readonly from: Prepared;
      /** The marker, without what it may keep: that is known once the records before it are (records-to-append.ts). */
      readonly record: Document;
      readonly refusal: Refusal;
    };

export interface EmbedSettings {
  /** False: texts and chunks go on without vectors, for models that are embedded with behind this log. Default true. */
  readonly embeds?: () => boolean;
  readonly embedding: Pick<EmbeddingCache, 'forTenant'>;
  readonly model: { readonly id: string; readonly dimensions: number };
  readonly clock: Clock;
  /** None where rows are judged alone. */
  readonly drift?: DriftJudge;
}

type PreparedDocument = Extract<Prepared, { kind: 'document' }>;

/** One call of the model for all texts of a tenant; vectors by chunk hash. Errors: `model-failed`: try the batch again. */
const embedMissing = async (
  settings: EmbedSettings,
  documents: readonly PreparedDocument[],
): Promise<ReadonlyMap<string, Float32Array>> => {
  const textsByTenant = new Map<string, Map<string, string>>();
  for (const { draft, chunks, known } of documents) {
    for (const chunk of chunks) {
      if (known.has(chunk.hash)) continue;
      const texts = textsByTenant.get(draft.tenant) ?? new Map<string, string>();
      textsByTenant.set(draft.tenant, texts.set(chunk.hash, chunk.text));
    }
  }
  const vectors = new Map<string, Float32Array>();
  await Promise.all(
    [...textsByTenant].map(async ([tenant, texts]) => {
      const embedded = await settings.embedding.forTenant(tenant).embed([...texts.values()]);
      for (const [at, hash] of [...texts.keys()].entries()) {
        const vector = embedded[at];
        if (vector) vectors.set(hash, vector);
      }
    }),
  );
  return vectors;
};

export const embedDocuments = async (
  settings: EmbedSettings,
  prepared: readonly Prepared[],
): Promise<readonly Outcome[]> => {
  const embeds = settings.embeds?.() ?? true;
  const vectors = !embeds
    ? new Map<string, Float32Array>()
    : await embedMissing(
        settings,
        prepared.filter((each) => each.kind === 'document'),
      );
  const embeddedAt = settings.clock();
  return prepared.map(outcomeOf);

  /** New chunks far from what their table's tenant has: judged before they are learned, and learned where they go in. */
  function driftOf({ source, change, draft, drift, released, chunks }: PreparedDocument): Refusal | null {
    if (!settings.drift || drift.action === 'off') return null;
    const place = { source, table: change.table, tenant: draft.tenant };
    const fresh = chunks.flatMap((chunk) => {
      const vector = vectors.get(chunk.hash);
      return vector ? [{ chunk, vector }] : [];
    });
    const all = fresh.map(({ vector }) => vector);
    const far = settings.drift.farthest(place, all, drift);
    if (!far || drift.action === 'flag' || released) settings.drift.learn(place, all);
    const chunk = far && fresh[far.at]?.chunk;
    if (!chunk) return null;
    const { start, end } = chunk;
    const detail = `${far.deviations.toFixed(1)} deviations from the centroid of ${change.table}, at most ${drift.deviations}`;
    const finding = findingOf('embedding', draft, { field: 'text', start, end, reason: 'drifted', detail });
    return { gate: 'embedding', reason: 'drifted', detail, finding };
  }

  function quarantined(
    from: Extract<Prepared, { kind: 'refused' | 'document' }>,
    tenant: string | null,
    refusal: Refusal,
  ): Outcome {
    const record = refusedMarker(subjectOf(from, embeddedAt), tenant, refusal);
    return { kind: 'quarantined', from, refusal, record };
  }

  function outcomeOf(from: Prepared): Outcome {
    switch (from.kind) {
      case 'dropped':
      case 'superseded':
        return { kind: from.kind, from };
      case 'unreadable':
        return { kind: 'dead-lettered', from };
      case 'floor':
        return { kind: 'append', from, record: floorRecord(subjectOf(from, embeddedAt)) };
      case 'deleted':
        return { kind: 'append', from, record: deletedMarker(subjectOf(from, embeddedAt)) };
      case 'given-up': {
        const refusal = { gate: 'person', reason: 'dropped' } as const;
        return {
          kind: 'append',
          from,
          record: refusedMarker(subjectOf(from, embeddedAt), from.tenant, refusal),
        };
      }
      case 'refused':
        return quarantined(from, from.tenant, from.refusal);
      case 'document': {
        const fresh = from.chunks
          .map((chunk) => vectors.get(chunk.hash))
          .filter((vector) => vector !== undefined);
        const refusal = gateVectors(fresh, settings.model.dimensions, checkVector);
        if (refusal) return quarantined(from, from.draft.tenant, refusal);
        // All chunks or none: what holds both is a record that nobody takes (decode-documents.ts).
        const vectorOf = (hash: string) => (embeds ? (from.known.get(hash) ?? vectors.get(hash)) : undefined);
        const chunks = from.chunks.map((chunk) => chunkOf(chunk, vectorOf(chunk.hash) ?? Buffer.alloc(0)));
        const drifted = driftOf(from);
        if (drifted && from.drift.action === 'quarantine' && !from.released)
          return quarantined(from, from.draft.tenant, drifted);
        const subject = subjectOf(from, embeddedAt);
        const flags = drifted ? [...from.marks.flags, 'embedding: drifted'] : from.marks.flags;
        return {
          kind: 'append',
          from,
          record: documentRecord(subject, from.draft, settings.model.id, chunks, { ...from.marks, flags }),
        };
      }
      default:
        return from satisfies never;
    }
  }
};

/** What is taken through again waited for a person, or stands for a row as it is by now. */
const basisOf = (change: Change): DocumentTiming['basis'] => {
  if (isRevision(change.version)) return 'none';
  return change.kind === 'upsert' && change.read ? 'snapshot' : 'commit';
};

const subjectOf = (
  from: Exclude<Prepared, { kind: 'dropped' | 'superseded' | 'unreadable' }>,
  embeddedAt: number,
): Subject => {
  const { topic, partition, offset, timestamp } = from.record;
  const timing: DocumentTiming = {
    committedAt: from.change.committedAt,
    capturedAt: from.change.capturedAt,
    inKafkaAt: timestamp * 1_000,
    gatedAt: from.gatedAt,
    embeddedAt,
    basis: basisOf(from.change),
  };
  return {
    documentId: 'documentId' in from ? from.documentId : '',
    source: from.source,
    change: from.change,
    position: { topic, partition, offset },
    timing,
    carried: 'carried' in from ? from.carried : {},
  };
};
