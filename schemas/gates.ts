/**
 * The gates of a document, in the order in which they judge, and why each refuses: the closed lists that quarantine, metrics and
 * releases go by. What a table makes of them is in gate-settings.ts.
 */
export const GATE_REASONS = {
  schema: ['mapping-failed', 'no-tenant', 'bad-tenant', 'bad-text'],
  required: ['no-text', 'missing-field'],
  length: ['too-few-characters', 'too-many-characters', 'too-many-bytes'],
  language: ['other-language'],
  duplicates: ['same-text', 'near-text'],
  secrets: ['private-key', 'access-key', 'token', 'password', 'too-many'],
  'personal-data': ['email', 'phone', 'payment-card', 'bank-account', 'social-security-number', 'too-many'],
  instructions: ['overrides-instructions', 'speaks-as-system', 'hidden-from-people', 'encoded', 'in-comment'],
  embedding: ['wrong-dimensions', 'not-finite', 'zero-norm', 'drifted'],
  volume: ['burst-of-deletes', 'burst-of-emptied-rows'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type GateName = keyof typeof GATE_REASONS;
export type GateReason<Name extends GateName = GateName> = (typeof GATE_REASONS)[Name][number];

export const GATE_NAMES = Object.keys(GATE_REASONS) as readonly GateName[];

/** Whether a release of what one gate refused lets pass what another refuses. */
export const isWaived = (gate: GateName, released: GateName | undefined): boolean =>
  released !== undefined && GATE_NAMES.indexOf(gate) <= GATE_NAMES.indexOf(released);

/** Gates whose refusal no person can wave through: there is nothing that could be stored or found. */
export const NEVER_RELEASED: ReadonlySet<GateName> = new Set(['schema', 'embedding']);
