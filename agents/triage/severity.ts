/** How severe an incident is: the votes of those like it, weighted by likeness, and of the words it is told in. Pure. */
import type { SearchHit } from '../../schemas/search.ts';

export const SEVERITIES = ['minor', 'major', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

const WORDS: Readonly<Record<Severity, RegExp>> = {
  critical: /\b(?:outage|unavailable|data loss|breach|nobody can|all customers)\b/gi,
  major: /\b(?:down|failing|fails|failed|errors?|many customers|cannot)\b/gi,
  minor: /\b(?:slow|delayed|cosmetic|some customers|workaround)\b/gi,
};
/** A word weighs as much as one incident that is nearly the same. */
const WORD_WEIGHT = 0.8;
const MAX_WORDS = 3;

const isSeverity = (value: string | undefined): value is Severity =>
  SEVERITIES.some((severity) => severity === value);

export const severityOf = (
  { title, description }: { readonly title: string; readonly description: string },
  hits: readonly SearchHit[],
): { readonly severity: Severity; readonly why: string } => {
  const votes = new Map<Severity, number>(SEVERITIES.map((severity) => [severity, 0]));
  const add = (severity: Severity, weight: number): void =>
    void votes.set(severity, (votes.get(severity) ?? 0) + weight);
  const alike = hits.filter(({ metadata }) => isSeverity(metadata.severity));
  for (const { metadata, score } of alike)
    if (isSeverity(metadata.severity)) add(metadata.severity, Math.max(0, score));
  const text = `${title}\n${description}`;
  for (const severity of SEVERITIES)
    add(severity, WORD_WEIGHT * Math.min(MAX_WORDS, text.match(WORDS[severity])?.length ?? 0));
  const [[severity] = ['minor' as const]] = [...votes].sort(([, a], [, b]) => b - a);
  const counted = [...votes].map(([name, weight]) => `${name} ${weight.toFixed(2)}`).join(', ');
  return { severity, why: `votes of ${alike.length} incidents like it and of its words: ${counted}` };
};
