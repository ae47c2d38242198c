/**
 * What the gates would make of changes, acting on nothing: a fold over changes in the order in which they came. Decisions of
 * people are left out, so it shows what the settings do; vectors are not made, so their gate is not judged.
 */

import type { Change } from '../../connectors/debezium/change.ts';
import { type FreshetConfig, gatesOfTable, type TableMapping } from '../../schemas/config.ts';
import { documentIdIfAny, tablePrefixOf } from '../../schemas/document-id.ts';
import type { GateName, GateReason } from '../../schemas/gates.ts';
import { ownField } from '../../schemas/own-field.ts';
import type { Finding } from '../../schemas/records.ts';
import { fingerprintOf } from '../gates/fingerprint.ts';
import { type GateOutcome, judgeDraft } from '../gates/run-gates.ts';
import { createVolumeWatch, type VolumeKind } from '../gates/volume-state.ts';
import { type Draft, type LastContent, mapRow } from '../index-documents/draft.ts';
import { memoryLookalikes } from './memory-lookalikes.ts';

export interface DryRunExample {
  readonly gate: GateName;
  readonly reason: GateReason;
  readonly outcome: Exclude<GateOutcome, 'passed'>;
  readonly detail: string;
  readonly documentId: string;
  /** topic:partition:offset of the change. */
  readonly place: string;
  readonly finding: Finding | null;
}

export interface DryRunReport {
  readonly changes: number;
  readonly deletes: number;
  /** Documents that would be indexed, and that would be refused. */
  readonly passed: number;
  readonly refused: number;
  /** Text that a change did not carry, and that was in none before it in this run. */
  readonly incomplete: number;
  /** Rows that the mapping could make nothing of. */
  readonly unmapped: number;
  readonly gates: Readonly<Partial<Record<GateName, Readonly<Record<GateOutcome, number>>>>>;
  readonly reasons: Readonly<Record<string, number>>;
  readonly examples: readonly DryRunExample[];
  /** Tables that a burst would have paused, once each. */
  readonly pauses: readonly { readonly table: string; readonly reason: string; readonly place: string }[];
}

export interface DryRun {
  /** False where its key can name no document. */
  take(change: Change, place: string): boolean;
  report(): DryRunReport;
}

export interface DryRunSettings {
  readonly config: FreshetConfig;
  readonly source: string;
  /** Of each gate and reason. */
  readonly examples: number;
}

/** Texts kept, so that an update that leaves one out can be judged: the newest so many. */
const MOST_CONTENTS = 20_000;
const MOST_CHARACTERS = 20_000;

export const createDryRun = ({ config, source, examples: most }: DryRunSettings): DryRun => {
  const counts = { changes: 0, deletes: 0, passed: 0, refused: 0, incomplete: 0, unmapped: 0 };
  const gates: Partial<Record<GateName, Record<GateOutcome, number>>> = {};
  const reasons: Record<string, number> = {};
  const examples: DryRunExample[] = [];
  const pauses = new Map<string, { table: string; reason: string; place: string }>();
  const contents = new Map<string, LastContent>();
  const documents = new Map<string, Set<string>>();
  const lookalikes = memoryLookalikes();
  const volume = createVolumeWatch(({ table }) => documents.get(table)?.size ?? 0);

  const remember = (documentId: string, draft: Draft): void => {
    contents.delete(documentId);
    if (draft.text.length > MOST_CHARACTERS) return;
    contents.set(documentId, { kind: 'document', ...draft });
    const [oldest] = contents.keys();
    if (contents.size > MOST_CONTENTS && oldest !== undefined) contents.delete(oldest);
  };

  const noteVolume = (table: string, kind: VolumeKind, at: number, place: string): void => {
    const settings = gatesOfTable(config, source, table).volume;
    if (settings.action === 'off' || pauses.has(table)) return;
    // Read once from end to end: each change is another one.
    const position = { partition: 0, offset: counts.changes };
    const reason = volume.note({ source, table }, kind, settings, { at, position });
    if (reason !== null) pauses.set(table, { table, reason, place });
  };

  const take: DryRun['take'] = (change, place) => {
    const { table } = change;
    const mapping = ownField(ownField(config.sources, source)?.tables ?? {}, table);
    if (!mapping) return true;
    counts.changes += 1;
    const held = documents.get(table) ?? new Set<string>();
    documents.set(table, held);
    if (change.kind === 'truncate') {
      for (const each of held) lookalikes.forget(each);
      const prefix = tablePrefixOf(source, table);
      for (const each of contents.keys()) if (each.startsWith(prefix)) contents.delete(each);
      held.clear();
      return true;
    }
    const documentId = documentIdIfAny(source, table, change.key);
    if (documentId === undefined) return false;
    judge(change, documentId, held, mapping, place);
    return true;
  };

  const judge = (
    change: Exclude<Change, { kind: 'truncate' }>,
    documentId: string,
    held: Set<string>,
    mapping: TableMapping,
    place: string,
  ): void => {
    const { table } = change;
    if (change.kind === 'delete') {
      counts.deletes += 1;
      if (held.delete(documentId)) noteVolume(table, 'deletes', change.committedAt, place);
      contents.delete(documentId);
      lookalikes.forget(documentId);
      return;
    }
    const last = change.unsure ? undefined : contents.get(documentId);
    const mapped = mapRow(mapping, change.row, change.unavailable, last);
    if (mapped.kind !== 'draft') {
      counts[mapped.kind === 'needs-row' ? 'incomplete' : 'unmapped'] += 1;
      if (mapped.kind === 'failed' && held.has(documentId))
        noteVolume(table, 'emptied-rows', change.committedAt, place);
      return;
    }
    const { draft } = mapped;
    const settings = gatesOfTable(config, source, table);
    const judgement = judgeDraft(draft, { settings, documentId, lookalikes, steps: () => undefined });
    const emptied = draft.text.trim() === '' || judgement.refusal?.gate === 'schema';
    if (held.has(documentId) && emptied) noteVolume(table, 'emptied-rows', change.committedAt, place);
    remember(documentId, draft);
    for (const { gate, outcome } of judgement.outcomes) {
      const counted = gates[gate] ?? { passed: 0, redacted: 0, flagged: 0, refused: 0 };
      counted[outcome] += 1;
      gates[gate] = counted;
    }
    for (const { gate, reason, detail, finding } of judgement.sightings) {
      const outcome = judgement.outcomes.find((each) => each.gate === gate)?.outcome ?? 'passed';
      if (outcome === 'passed') continue;
      const name = `${gate}: ${reason}`;
      reasons[name] = (reasons[name] ?? 0) + 1;
      if ((reasons[name] ?? 0) <= most)
        examples.push({ gate, reason, outcome, detail, documentId, place, finding: finding() });
    }
    if (judgement.refusal) {
      counts.refused += 1;
      return;
    }
    counts.passed += 1;
    held.add(documentId);
    const { same, near } = settings.duplicates;
    if (same !== 'off' || near !== 'off')
      lookalikes.add(draft.tenant, documentId, fingerprintOf(judgement.draft.text));
  };

  return {
    take,
    report: () => ({ ...counts, gates, reasons, examples, pauses: [...pauses.values()] }),
  };
};
