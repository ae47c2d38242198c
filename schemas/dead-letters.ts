/** Why a record could not be processed: the closed list that dead letters, their metrics and their redrive go by. */
export const DEAD_LETTER_REASONS = [
  'not-avro',
  'not-json',
  'schema-mismatch',
  'null-key',
  'null-value',
  'unknown-agent',
  'too-large',
  'bad-key',
  'mapping-failed',
  'internal',
] as const;

export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];
