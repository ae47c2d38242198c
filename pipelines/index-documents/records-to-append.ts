/** Outcomes of one batch → the records to append, in the order of the changes. Refuses a document whose record is too large. */

import type { RecordToAppend } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { type DeadLetterReason, deadLetterOf } from '../../schemas/dead-letters.ts';
import { isSearchable } from '../../schemas/document-order.ts';
import type { Document, Quarantined } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { gateRecord, type RecordLimits } from '../gates/record-gates.ts';
import type { GateOutcome, Refusal } from '../gates/run-gates.ts';
import { secretsIn } from '../gates/secrets-gate.ts';
import { refusedMarker } from './document-records.ts';
import type { Outcome } from './embed-documents.ts';

export interface AppendPlan {
  /**
   * Quarantined and dead letters: appended before `records`, in a send of their own. Once a marker stands, its change is
   * superseded and nobody would write them; written twice they are the same.
   */
  readonly refused: readonly RecordToAppend[];
  readonly records: readonly RecordToAppend[];
  /** The document records of the own partition, with their place in `records`. */
  readonly documents: readonly {
    readonly at: number;
    readonly record: Document;
    readonly body: Buffer | undefined;
  }[];
  readonly counts: Readonly<
    Record<'appended' | 'superseded' | 'dropped' | 'quarantined' | 'dead-lettered', number>
  >;
  readonly refusals: readonly { readonly gate: string }[];
  readonly deadLetters: readonly { readonly topic: string; readonly reason: DeadLetterReason }[];
  /** How often each gate decided what. `unchanged`: documents for which nothing was embedded. */
  readonly judged: readonly {
    readonly gate: string;
    readonly outcome: GateOutcome;
    readonly count: number;
  }[];
}

export interface AppendPlanSettings {
  readonly codec: Pick<RecordCodec, 'encode' | 'bodyOf'>;
  readonly partition: number;
  readonly documentPartitions: number;
  readonly limits: RecordLimits;
  /** Microseconds since the Unix epoch. */
  readonly now: number;
}

const SOURCE = 'freshet/index-documents';

/** Of a record of freshet.documents, written first or again. */
export const documentHeaders = (record: Document, at: number): Readonly<Record<string, string>> =>
  cloudEventHeaders({
    id: `${record.documentId}@${record.version}`,
    type: 'freshet.document',
    source: SOURCE,
    at,
  });

export const planAppends = (settings: AppendPlanSettings, outcomes: readonly Outcome[]): AppendPlan => {
  const refused: RecordToAppend[] = [];
  const records: RecordToAppend[] = [];
  const documents: { at: number; record: Document; body: Buffer | undefined }[] = [];
  const refusals: { gate: string }[] = [];
  const deadLetters: { topic: string; reason: DeadLetterReason }[] = [];
  const judged = new Map<string, { gate: string; outcome: GateOutcome; count: number }>();
  /** What this batch wrote last of a document, by id. */
  const written = new Map<string, Document>();
  const counts = { appended: 0, superseded: 0, dropped: 0, quarantined: 0, 'dead-lettered': 0 };

  const count = (gate: string, outcome: GateOutcome): void => {
    const counted = judged.get(`${gate} ${outcome}`) ?? { gate, outcome, count: 0 };
    counted.count += 1;
    judged.set(`${gate} ${outcome}`, counted);
  };

  const appendQuarantined = (marker: Document, verdict: Partial<Quarantined>): void => {
    const quarantined: Quarantined = {
      documentId: marker.documentId,
      source: marker.source,
      table: marker.table,
      tenant: marker.tenant,
      version: marker.version,
      ...{ gate: '', reason: '', detail: '', contentHash: '', finding: null, outcome: 'refused' },
      change: marker.change,
      at: settings.now,
      keptVersion: marker.kind === 'refused' ? (marker.stale?.version ?? null) : null,
      partition: settings.partition,
      ...verdict,
    };
    refused.push({
      topic: TOPICS.quarantine.name,
      key: marker.documentId,
      value: settings.codec.encode('Quarantined', quarantined),
      headers: cloudEventHeaders({
        id: `${marker.documentId}@${marker.version}`,
        type: 'freshet.quarantined',
        source: SOURCE,
        at: settings.now,
      }),
    });
  };

  const appendDocument = (record: Document, value: Buffer, partition: number): void => {
    written.set(record.documentId, record);
    if (partition === settings.partition) {
      const body = settings.codec.bodyOf('Document', value);
      documents.push({ at: records.length, record, body });
    }
    records.push({
      topic: TOPICS.documents.name,
      partition,
      key: record.documentId,
      value,
      headers: documentHeaders(record, settings.now),
    });
  };

  /**
   * The record whose content stays when this change is refused: of the same readers, and not below a floor. A row that names no tenant
   * any more moved to nobody: its content stays with those who had it.
   */
  const keptBefore = (from: Outcome['from'], { documentId, tenant }: Document): Document | undefined => {
    const keep = 'keep' in from ? from.keep : undefined;
    const before = keep && (written.get(documentId) ?? keep.newest);
    if (!before || !isSearchable(before)) return undefined;
    if (tenant !== null && before.tenant !== tenant) return undefined;
    return keep.floor === undefined || before.version >= keep.floor ? before : undefined;
  };

  /** Its id is its key and stands in a header too. */
  const encoded = (record: Document) => {
    const value = settings.codec.encode('Document', record);
    return {
      record,
      value,
      refusal: gateRecord(value.length + 2 * record.documentId.length, settings.limits),
    };
  };

  /** Without what it would keep, where it does not fit its topic with it. */
  const markerOf = (from: Outcome['from'], record: Document, refusal: Refusal) => {
    const whole = encoded(markerFor(record, refusal, keptBefore(from, record)));
    return whole.refusal ? encoded(markerFor(record, refusal, undefined)) : whole;
  };

  const refuse = (from: Outcome['from'], record: Document, refusal: Refusal): void => {
    const marker = markerOf(from, record, refusal);
    appendDocument(marker.record, marker.value, settings.partition);
    const { gate, reason, detail, finding } = refusal;
    const contentHash = 'contentHash' in from ? from.contentHash : '';
    appendQuarantined(marker.record, { gate, reason, detail, finding, contentHash });
    refusals.push({ gate });
    counts.quarantined += 1;
  };

  for (const outcome of outcomes) {
    if ('outcomes' in outcome.from) {
      for (const { gate, outcome: decided } of outcome.from.outcomes) count(gate, decided);
      if (outcome.from.kind === 'document' && 'record' in outcome) {
        const flagged = outcome.record.flags.includes('embedding: drifted');
        count('embedding', outcome.kind === 'quarantined' ? 'refused' : flagged ? 'flagged' : 'passed');
      }
    }
    if (
      outcome.from.kind === 'document' &&
      outcome.from.chunks.every(({ hash }) => known(outcome.from, hash))
    )
      count('unchanged', 'passed');
    switch (outcome.kind) {
      case 'dropped':
      case 'superseded':
        counts[outcome.kind] += 1;
        break;
      case 'dead-lettered': {
        const { record, reason, message } = outcome.from;
        const { key, letter } = deadLetterOf(withoutSecretValue(record), {
          stage: 'receiving',
          reason,
          message,
          at: settings.now,
        });
        refused.push({
          topic: TOPICS.deadLetters.name,
          key,
          value: settings.codec.encode('DeadLetter', letter),
          headers: cloudEventHeaders({
            id: key,
            type: 'freshet.dead-letter',
            source: SOURCE,
            at: settings.now,
          }),
        });
        deadLetters.push({ topic: record.topic, reason });
        counts['dead-lettered'] += 1;
        break;
      }
      case 'append': {
        const { value, refusal } = encoded(outcome.record);
        if (refusal) {
          refuse(outcome.from, outcome.record, refusal);
          break;
        }
        const partitions =
          outcome.record.kind === 'floor'
            ? Array.from({ length: settings.documentPartitions }, (_, at) => at)
            : [settings.partition];
        for (const partition of partitions) appendDocument(outcome.record, value, partition);
        counts.appended += 1;
        if (outcome.from.kind === 'given-up') appendQuarantined(outcome.record, { outcome: 'dropped' });
        if ('wasRefused' in outcome.from && outcome.from.wasRefused)
          appendQuarantined(outcome.record, {
            outcome: outcome.record.kind === 'deleted' ? 'deleted' : 'passed',
          });
        break;
      }
      case 'quarantined':
        refuse(outcome.from, outcome.record, outcome.refusal);
        break;
      default:
        outcome satisfies never;
    }
  }
  return { refused, records, documents, counts, refusals, deadLetters, judged: [...judged.values()] };
};

const known = (from: Outcome['from'], hash: string): boolean =>
  from.kind === 'document' && from.known.has(hash);

const markerFor = (record: Document, refusal: Refusal, kept: Document | undefined): Document => {
  const { documentId, source, change: position, timing, carried } = record;
  return refusedMarker(
    { documentId, source, change: record, position, timing, carried },
    record.tenant,
    refusal,
    kept,
  );
};

const MAX_SECRETS_BYTES = 256 * 1024;

/** A value with credentials in it stays where it stands: dead letters are kept longer and read by more people. */
const withoutSecretValue = <Of extends { readonly value: Buffer | null }>(record: Of): Of => {
  if (record.value === null || record.value.length > MAX_SECRETS_BYTES) return record;
  return secretsIn(record.value.toString('latin1'), 'value').length > 0 ? { ...record, value: null } : record;
};
