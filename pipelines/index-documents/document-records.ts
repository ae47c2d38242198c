/** Drafts → records of freshet.documents: documents with their chunks, and markers. Pure. */
import { hash } from 'node:crypto';
import { bytesOfVector } from '../../connectors/vector-index/vector-codec.ts';
import { floorIdOf } from '../../schemas/document-id.ts';
import type { ChangePosition, Chunk, Document, DocumentTiming } from '../../schemas/records.ts';
import type { Refusal } from '../gates/run-gates.ts';
import { type ChunkLimits, chunkText, type TextSlice } from './chunk-text.ts';
import type { Draft } from './draft.ts';

export interface ChunkPlan extends TextSlice {
  /** What is embedded: the title gives a slice its subject. */
  readonly text: string;
  readonly hash: string;
}

export const chunkHash = (model: string, text: string): string =>
  hash('sha256', `${model}\0${text}`, 'hex').slice(0, 32);

export const planChunks = (draft: Draft, slices: readonly TextSlice[], model: string): readonly ChunkPlan[] =>
  slices.map(({ start, end }) => {
    const text = `${draft.title}\n${draft.text.slice(start, end)}`;
    return { start, end, text, hash: chunkHash(model, text) };
  });

/** A word without an end is one token. */
const MOST_LEAD_CHARACTERS = 2_000;

/** What of a title stands before each chunk: half of its tokens at most, or a long one would make many chunks, each mostly title. */
const leadOf = (whole: string, limits: ChunkLimits): { readonly title: string; readonly tokens: number } => {
  const title = whole.slice(0, MOST_LEAD_CHARACTERS).replace(/\p{Surrogate}$/u, '');
  const tokens = limits.countTokens(title);
  const maxTokens = limits.maxTokens >> 1;
  if (tokens <= maxTokens) return { title, tokens };
  const [first] = chunkText(title, { ...limits, maxTokens, overlapTokens: 0 });
  return { title: first ? title.slice(first.start, first.end) : '', tokens: maxTokens };
};

/** Chunks of a document under a model: the title stands before each and takes its share of the tokens. */
export const chunkDraft = (draft: Draft, limits: ChunkLimits, model: string): readonly ChunkPlan[] => {
  const { title, tokens } = leadOf(draft.title, limits);
  const maxTokens = Math.max(16, limits.maxTokens - tokens);
  return planChunks({ ...draft, title }, chunkText(draft.text, { ...limits, maxTokens }), model);
};

/** Vectors that the last record of the document already holds, by chunk hash: their text was left alone. A marker may keep some. */
export const knownVectors = (last: Document | undefined, model: string): ReadonlyMap<string, Buffer> =>
  new Map(last?.model === model ? last.chunks.map((chunk) => [chunk.hash, chunk.vector]) : []);

export interface Subject {
  readonly documentId: string;
  readonly source: string;
  readonly change: { readonly table: string; readonly version: string };
  readonly position: ChangePosition;
  readonly timing: DocumentTiming;
  /** Nothing where it is left out. */
  readonly carried?: Document['carried'];
}

type Content = Pick<
  Document,
  'tenant' | 'title' | 'text' | 'metadata' | 'model' | 'chunks' | 'flags' | 'stale' | 'fingerprint'
>;

const BLANK: Content = {
  ...{ tenant: null, title: '', text: '', metadata: {}, model: '', chunks: [] },
  ...{ flags: [], stale: null, fingerprint: null },
};

/** Field by field and all of one shape: spreads took a twentieth of a load. */
const recordOf = (
  { documentId, source, change, position, timing, carried = {} }: Subject,
  kind: Document['kind'],
  content: Content,
  reason: string | null = null,
): Document => ({
  documentId,
  source,
  table: change.table,
  version: change.version,
  timing,
  change: position,
  carried,
  kind,
  reason,
  tenant: content.tenant,
  title: content.title,
  text: content.text,
  metadata: content.metadata,
  model: content.model,
  chunks: content.chunks,
  flags: content.flags,
  stale: content.stale,
  fingerprint: content.fingerprint,
});

/** What the gates left on a document that passed them. */
export interface GateMarks {
  readonly flags: readonly string[];
  readonly fingerprint: Buffer | null;
}

export const documentRecord = (
  subject: Subject,
  draft: Draft,
  model: string,
  chunks: readonly Chunk[],
  { flags, fingerprint }: GateMarks,
): Document => {
  const { tenant, title, text, metadata } = draft;
  const stale = null;
  return recordOf(subject, 'document', {
    ...{ tenant, title, text, metadata, model, chunks, flags, stale, fingerprint },
  });
};

export const deletedMarker = (subject: Subject): Document => recordOf(subject, 'deleted', BLANK);

/** What of a good record a marker after it keeps searchable. */
const keptContent = (kept: Document, since: number): Content => {
  const { tenant, title, text, metadata, model, chunks, flags, fingerprint } = kept;
  const stale = kept.stale ?? { version: kept.version, since, committedAt: kept.timing.committedAt };
  return { tenant, title, text, metadata, model, chunks, flags, fingerprint, stale };
};

/** `kept`: the record whose content stays searchable, marked stale: a document, or a marker that keeps one. */
export const refusedMarker = (
  subject: Subject,
  tenant: string | null,
  refusal: Pick<Refusal, 'gate' | 'reason'> | { readonly gate: 'person'; readonly reason: 'dropped' },
  kept?: Document,
): Document =>
  recordOf(
    subject,
    'refused',
    // What goes because of a lookalike is no reason for that one to go.
    kept
      ? {
          ...keptContent(kept, subject.timing.committedAt),
          ...(refusal.gate === 'duplicates' && { fingerprint: null }),
        }
      : { ...BLANK, tenant },
    `${refusal.gate}: ${refusal.reason}`,
  );

/** Deletes every older document of a table, in whichever partition it is appended to (TRUNCATE, a sweep, a table's removal). */
export const floorRecord = (subject: Omit<Subject, 'documentId'>): Document => {
  const documentId = floorIdOf(subject.source, subject.change.table);
  return recordOf({ ...subject, documentId }, 'floor', BLANK);
};

export const chunkOf = (plan: ChunkPlan, vector: Float32Array | Buffer): Chunk => ({
  hash: plan.hash,
  start: plan.start,
  end: plan.end,
  vector: vector instanceof Float32Array ? bytesOfVector(vector) : vector,
});
