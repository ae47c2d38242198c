/** All gates of a draft, in order. Pure; what it costs and what it decides depend on its arguments alone. */
import { hash } from 'node:crypto';
import { type GateName, type GateReason, isWaived, NEVER_RELEASED } from '../../schemas/gates.ts';
import type { Finding } from '../../schemas/records.ts';
import type { Draft } from '../index-documents/draft.ts';
import { duplicatesGate } from './duplicates-gate.ts';
import { findingOf } from './finding.ts';
import type { Gate, GateContext, Sighting } from './gate.ts';
import { instructionsGate } from './instructions-gate.ts';
import { languageGate } from './language-gate.ts';
import { lengthGate } from './length-gate.ts';
import { personalDataGate } from './personal-gate.ts';
import { requiredGate } from './required-gate.ts';
import { schemaGate } from './schema-gate.ts';
import { secretsGate } from './secrets-gate.ts';

/** Why a document was refused. `detail` holds nothing of its text; `finding` shows it without secrets. */
export interface Refusal {
  readonly gate: GateName;
  readonly reason: GateReason;
  readonly detail: string;
  readonly finding: Finding | null;
}

export type GateOutcome = 'passed' | 'redacted' | 'flagged' | 'refused';

export interface Judgement {
  /** What goes on: what was redacted is gone from it. */
  readonly draft: Draft;
  readonly refusal: Refusal | null;
  /** `gate: reason`, each once. */
  readonly flags: readonly string[];
  readonly outcomes: readonly { readonly gate: GateName; readonly outcome: GateOutcome }[];
  /** What each gate saw, for those who tune it. */
  readonly sightings: readonly (Sighting & { readonly gate: GateName; readonly finding: () => Finding })[];
}

export const DRAFT_GATES: readonly Gate[] = [
  schemaGate,
  requiredGate,
  lengthGate,
  languageGate,
  duplicatesGate,
  secretsGate,
  personalDataGate,
  instructionsGate,
];

/** What a release is bound to: all that the mapping made, before anything was taken out. */
export const contentHashOf = ({ title, text, tenant, metadata }: Draft): string =>
  hash(
    'sha256',
    JSON.stringify([title, text, tenant, Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))]),
    'hex',
  );

/** `released`: what a person was shown of this very content and let pass: so far, what would refuse it only flags it. */
export const judgeDraft = (
  draft: Draft,
  context: GateContext,
  released?: GateName,
  gates: readonly Gate[] = DRAFT_GATES,
): Judgement => {
  let current = draft;
  const flags = new Set<string>();
  const outcomes: { gate: GateName; outcome: GateOutcome }[] = [];
  const sightings: (Sighting & { gate: GateName; finding: () => Finding })[] = [];
  for (const { name: gate, judge } of gates) {
    const verdict = judge(current, context);
    if (verdict.kind === 'pass') {
      outcomes.push({ gate, outcome: 'passed' });
      continue;
    }
    const judged = current;
    for (const seen of verdict.sightings)
      sightings.push({ ...seen, gate, finding: () => findingOf(gate, judged, seen) });
    const [first] = verdict.sightings;
    if (verdict.kind === 'quarantine' && (NEVER_RELEASED.has(gate) || !isWaived(gate, released))) {
      const { reason, detail } = verdict.sightings[0];
      outcomes.push({ gate, outcome: 'refused' });
      const refusal = { gate, reason, detail, finding: findingOf(gate, current, verdict.sightings[0]) };
      return { draft: current, refusal, flags: [...flags], outcomes, sightings };
    }
    if (verdict.kind === 'redact') {
      current = verdict.draft;
      outcomes.push({ gate, outcome: 'redacted' });
    } else {
      for (const { reason } of verdict.sightings) flags.add(`${gate}: ${reason}`);
      outcomes.push({ gate, outcome: first ? 'flagged' : 'passed' });
    }
  }
  return { draft: current, refusal: null, flags: [...flags], outcomes, sightings };
};

/** Where nothing is compared with other documents. */
export const NO_LOOKALIKES = { find: () => undefined };
